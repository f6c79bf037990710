// Command otlp sends log records with OpenTelemetry's Go SDK and its OTLP/HTTP exporter.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	otel "go.opentelemetry.io/otel/log"
	sdk "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
)

func main() {
	ctx, done := context.WithTimeout(context.Background(), 20*time.Second)
	defer done()
	exporter, err := otlploghttp.New(ctx, otlploghttp.WithEndpointURL(os.Getenv("SOURCE_URL")+"/v1/logs"), otlploghttp.WithCompression(otlploghttp.GzipCompression))
	if err != nil {
		log.Fatal(err)
	}
	provider := sdk.NewLoggerProvider(sdk.WithProcessor(sdk.NewBatchProcessor(exporter)),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "svc"), attribute.String("_sourceCategory", "otel/go"), attribute.String("host.name", "box"))))
	logger := provider.Logger("lib")
	at := time.UnixMilli(1767323045678)
	var r otel.Record
	r.SetTimestamp(at)
	r.SetSeverityText("INFO")
	r.SetBody(attribute.StringValue("plain text"))
	logger.Emit(ctx, r)
	r.SetBody(attribute.StringValue("with attributes"))
	r.AddAttributes(attribute.Int("n", 7), attribute.String("user", "ann"))
	logger.Emit(ctx, r)
	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
