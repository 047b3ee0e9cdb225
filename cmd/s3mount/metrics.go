package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"s3mount/cache"
	"s3mount/fs"
	"s3mount/s3"
)

// What is counted where: by a bucket or an account, and by what shows it.
type (
	requests interface{ Stats() s3.Stats }
	names    interface{ Stats() fs.Stats }
)

// serveMetrics answers Prometheus at --metrics, if that is asked for. stop ends
// it.
func (s *settings) serveMetrics(b requests, c *cache.Cache, t names, log *slog.Logger) (stop func(), err error) {
	if s.metrics == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", s.metrics)
	if err != nil {
		return nil, &hintError{fmt.Errorf("--metrics: %w", err), "give an address that is free, as 127.0.0.1:9300"}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(newRegistry(b, c, t), promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	done := make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		server.Serve(l)
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
		<-done
	}, nil
}

// newRegistry holds what a mount counts. Every value is read when it is asked
// for; nothing is counted twice.
func newRegistry(b requests, c *cache.Cache, t names) *prometheus.Registry {
	r := prometheus.NewRegistry()
	add := func(kind prometheus.ValueType, name, help string, labels prometheus.Labels, value func() float64) {
		r.MustRegister(&metric{prometheus.NewDesc("s3mount_"+name, help, nil, labels), kind, value})
	}
	for op, value := range map[string]func(s3.Stats) int64{
		"list": func(s s3.Stats) int64 { return s.Lists },
		"head": func(s s3.Stats) int64 { return s.Heads },
		"get":  func(s s3.Stats) int64 { return s.Gets },
	} {
		add(prometheus.CounterValue, "requests_total", "Requests sent to the bucket, attempts counted each.", prometheus.Labels{"op": op}, func() float64 { return float64(value(b.Stats())) })
	}
	counter, gauge := prometheus.CounterValue, prometheus.GaugeValue
	add(counter, "retries_total", "Attempts after the first.", nil, func() float64 { return float64(b.Stats().Retries) })
	add(counter, "hedges_total", "Requests sent a second time because the first took long.", nil, func() float64 { return float64(b.Stats().Hedges) })
	add(counter, "slow_downs_total", "Answers that asked for fewer requests.", nil, func() float64 { return float64(b.Stats().SlowDowns) })
	add(gauge, "requests_allowed", "Requests that may be under way now: fewer than --max-connections after slow_downs_total.", nil, func() float64 { return float64(b.Stats().Limit) })
	add(counter, "failures_total", "Operations that ended in an error, plain absence included.", nil, func() float64 { return float64(b.Stats().Failures) })
	add(counter, "received_bytes_total", "Bytes of bodies received.", nil, func() float64 { return float64(b.Stats().Bytes) })
	add(counter, "cache_hits_total", "Blocks that a read found in memory.", nil, func() float64 { return float64(c.Stats().Hits) })
	add(counter, "cache_misses_total", "Blocks that a read had to wait for.", nil, func() float64 { return float64(c.Stats().Misses) })
	add(counter, "wasted_bytes_total", "Bytes read ahead and forgotten unread.", nil, func() float64 { return float64(c.Stats().BytesWasted) })
	add(gauge, "memory_limit_bytes", "What --memory allows.", nil, func() float64 { return float64(c.Stats().LimitBytes) })
	add(gauge, "memory_bytes", "Memory that holds or awaits bytes of objects.", nil, func() float64 {
		s := c.Stats()
		return float64(s.ResidentBytes + s.ReservedBytes + s.HeldBytes + s.FreeBytes)
	})
	add(gauge, "flights", "GETs under way.", nil, func() float64 { return float64(c.Stats().FlightsNow) })
	add(gauge, "entries", "Names remembered from listings.", nil, func() float64 { return float64(t.Stats().Entries) })
	add(counter, "guesses_total", "Small files asked for ahead of a walk.", nil, func() float64 { return float64(t.Stats().Guesses) })
	add(counter, "guesses_missed_total", "Of these, those that the walk left out.", nil, func() float64 { return float64(t.Stats().Missed) })
	return r
}

// A metric is one value that is read when Prometheus asks.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func() float64
}

func (m *metric) Describe(ch chan<- *prometheus.Desc) { ch <- m.desc }
func (m *metric) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value())
}
