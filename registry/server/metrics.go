package server

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are numbers only; they identify nobody.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	publish  prometheus.Histogram
	failed   prometheus.Counter
	version  prometheus.Gauge
	waiting  prometheus.Gauge
	watching prometheus.Gauge
	alerts   *prometheus.CounterVec
	messages *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ashyq_registry_requests_total", Help: "Requests, by path, method of the path and status code."},
			[]string{"path", "method", "code"}),
		publish: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ashyq_registry_publish_seconds", Help: "Time to derive, seal and commit one new version.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 10)}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ashyq_registry_publish_failures_total", Help: "Attempts to publish that failed and are tried again."}),
		version: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ashyq_registry_manifest_version", Help: "Version of the current manifest."}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ashyq_registry_waiting_doors", Help: "Doors that wait for the next version."}),
		watching: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ashyq_registry_waiting_phones", Help: "Phones that wait for news of their status."}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ashyq_registry_messages_total", Help: "Messages with a code to sign in, by what became of them."},
			[]string{"result"}),
	}
	m.alerts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ashyq_registry_alerts_total", Help: "Tries to send an alert, by what came of it: sent, failed, dropped."}, []string{"result"})
	m.registry.MustRegister(m.alerts, m.requests, m.publish, m.failed, m.version, m.waiting, m.watching, m.messages,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Metrics answers /metrics and /healthz, for a listener that only those reach who watch the
// registry.
func (s *Server) Metrics() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.Handle("/healthz", s.serve(route{http.MethodGet, "/healthz", 0, s.health}))
	return mux
}
