package server

import (
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"

	"ashyq-kiosk/kiosk/api"
)

// unread is an answer that its reader does not take until it is told.
type unread struct {
	*httptest.ResponseRecorder
	take <-chan struct{}
	got  func(first *byte)
}

func (u unread) Write(p []byte) (int, error) {
	u.got(&p[0])
	<-u.take
	return len(p), nil
}

// However many readers take a blob slowly, it is in memory once.
func TestSlowReadersShareABlob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		path := fmt.Sprintf("%s/%s", api.PathBlob, r.manifestAfter(0, 0).Sections[0].Blob)
		take := make(chan struct{})
		var mu sync.Mutex
		copies := map[*byte]int{}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				r.ServeHTTP(unread{httptest.NewRecorder(), take, func(first *byte) {
					mu.Lock()
					defer mu.Unlock()
					copies[first]++
				}}, httptest.NewRequest("GET", path, nil))
			})
			synctest.Wait()
		}
		if len(copies) != 1 {
			t.Errorf("50 readers hold %d copies of a blob, want one", len(copies))
		}
		close(take)
		all.Wait()
		if len(r.blobs.sent) != 0 {
			t.Error("a blob is kept that nobody is sent any more")
		}
	})
}
