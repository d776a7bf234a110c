package display

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// serveEvents is one event stream, until the client disconnects or the hub closes.
func (h *Hub) serveEvents(w http.ResponseWriter, r *http.Request) {
	done, ok := h.admit(w, h.screens)
	if !ok {
		return
	}
	defer done()
	w.Header().Set("Content-Type", "text/event-stream")
	stream := newStream(w)
	fmt.Fprintf(stream, "retry: %d\n\n", retry.Milliseconds())

	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		screen, changed := h.event()
		data, err := json.Marshal(screen)
		if err != nil {
			panic(err) // our own types: our own mistake
		}
		fmt.Fprintf(stream, "event: screen\ndata: %s\n\n", data)
		if err := h.wait(r, stream, changed, beat.C); err != nil {
			h.log.Debug("an event stream ended", "err", err)
			return
		}
	}
}

// wait sends the content of the stream, then heartbeats until changed is closed. An error ends the
// stream.
func (h *Hub) wait(r *http.Request, s *stream, changed <-chan struct{}, beat <-chan time.Time) error {
	for {
		if err := s.send(); err != nil {
			return err
		}
		select {
		case <-changed:
			return nil
		case <-beat:
			fmt.Fprint(s, "event: beat\ndata\n\n")
		case <-r.Context().Done():
			return r.Context().Err()
		case <-h.closed:
			return http.ErrServerClosed
		}
	}
}

// admit takes a place for a stream, or refuses the request. The caller returns the place with done.
func (h *Hub) admit(w http.ResponseWriter, places chan struct{}) (done func(), ok bool) {
	select {
	case <-h.closed:
		refuse(w, "the screen is closing")
		return nil, false
	default:
	}
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	default:
		refuse(w, "too many streams already")
		return nil, false
	}
}

func refuse(w http.ResponseWriter, why string) {
	w.Header().Set("Retry-After", fmt.Sprint(int(retry.Seconds())))
	http.Error(w, why, http.StatusServiceUnavailable)
}

// stream collects one event or picture and sends it in one piece, within writeWithin.
type stream struct {
	bytes.Buffer
	w       http.ResponseWriter
	control *http.ResponseController
}

func newStream(w http.ResponseWriter) *stream {
	return &stream{w: w, control: http.NewResponseController(w)}
}

func (s *stream) send() error {
	defer s.Reset()
	if err := s.control.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("set the deadline: %w", err)
	}
	if _, err := s.w.Write(s.Bytes()); err != nil {
		return err
	}
	return s.control.Flush()
}
