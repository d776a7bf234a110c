package server

import (
	"net/http"
	"testing"
	"testing/synctest"

	"ashyq-kiosk/kiosk/api"
)

// A door that says hello without a pause is refused, and others are not.
func TestHelloTooOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network, codes := r.serveTLS(), codesFor(r, "door 1", "door 2")
		first, second := r.newBox(network, boardA), r.newBox(network, boardB)
		first.enrol(codes[0])
		second.enrol(codes[1])
		last := 0
		for range sameAtOnce + 1 {
			last, _ = first.ask(http.MethodPost, api.PathHello, api.Health{}, nil)
		}
		if last != http.StatusTooManyRequests {
			t.Errorf("the last hello: %d", last)
		}
		if got, _ := second.ask(http.MethodPost, api.PathHello, api.Health{}, nil); got != http.StatusNoContent {
			t.Errorf("another door: %d", got)
		}
	})
}
