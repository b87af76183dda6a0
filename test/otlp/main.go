// Reads lines of OTLP JSON as the OpenTelemetry Collector's otlpjsonfile receiver does, and prints what it understood, one JSON
// object for each log record. Started by test/layout/otel-layout.test.ts.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"

	"go.opentelemetry.io/collector/pdata/plog"
)

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return
		}
		var unmarshaler plog.JSONUnmarshaler
		logs, err := unmarshaler.UnmarshalLogs(line)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for _, resource := range logs.ResourceLogs().All() {
			for _, scope := range resource.ScopeLogs().All() {
				for _, record := range scope.LogRecords().All() {
					if err := out.Encode(map[string]any{
						"resource":       resource.Resource().Attributes().AsRaw(),
						"scope":          scope.Scope().Name(),
						"time":           fmt.Sprint(uint64(record.Timestamp())),
						"observed":       fmt.Sprint(uint64(record.ObservedTimestamp())),
						"severityNumber": int32(record.SeverityNumber()),
						"severityText":   record.SeverityText(),
						"body":           record.Body().AsRaw(),
						"attributes":     named(record.Attributes().AsRaw()),
						"traceId":        record.TraceID().String(),
						"spanId":         record.SpanID().String(),
						"flags":          uint32(record.Flags()),
					}); err != nil {
						fmt.Fprintln(os.Stderr, err)
						os.Exit(1)
					}
				}
			}
		}
	}
}

// JSON has no NaN and no infinities, so they go out by their names.
func named(attributes map[string]any) map[string]any {
	for key, value := range attributes {
		if number, ok := value.(float64); ok && (math.IsNaN(number) || math.IsInf(number, 0)) {
			attributes[key] = fmt.Sprint(number)
		}
	}
	return attributes
}
