package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/task"
)

// routes is the local web server: the door's screen, metrics and health.
func routes(screen http.Handler, m *metrics, pulses []task.Pulse, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, m, pulses) })
	mux.Handle("/", screen)
	return mux
}

// answerHealth answers 200 while all parts are alive and the door has no fault, otherwise 503, with
// lines for people.
func answerHealth(w http.ResponseWriter, m *metrics, pulses []task.Pulse) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	last := m.last()
	verdict := "ok"
	if late := task.Late(time.Now(), pulses); late != nil {
		verdict = late.Error()
	} else if last.Signal == kiosk.OutOfOrder {
		verdict = "out of order: " + string(last.Reason)
	}
	if verdict != "ok" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintf(w, "%s\nversion: %s\n%s", verdict, version, m.summary())
}

// serve is the local web server as a task. onStop ends the streams, which would keep connections
// open.
func serve(listener net.Listener, handler http.Handler, onStop func()) task.Task {
	return task.Func{Name: "screen", Do: func(ctx context.Context) error {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute,
			MaxHeaderBytes: 1 << 14}
		failed := make(chan error, 1)
		go func() { failed <- server.Serve(listener) }()
		select {
		case err := <-failed:
			return fmt.Errorf("serve the screen: %w", err)
		case <-ctx.Done():
		}
		onStop()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	}}
}
