export { type ElasticsearchSinkOptions, type ElasticsearchSinkSpec, elasticsearchSink } from './options'
export { openElasticsearchSink } from './sink'
