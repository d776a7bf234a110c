package server

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
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
	})
}

// All doors ask for the newest deltas at the same moment: the database is asked once. What was sent
// last stays in memory, but no large blob does, and not many.
func TestBlobsStay(t *testing.T) {
	b := blobs{sent: map[api.Hash]*sentBlob{}}
	reads := map[byte]int{}
	lend := func(n byte, size int) (giveBack func()) {
		data, giveBack, err := b.lend(api.Hash{n}, func() ([]byte, error) {
			reads[n]++
			return make([]byte, size), nil
		})
		if err != nil || len(data) != size {
			t.Fatal(len(data), err)
		}
		return giveBack
	}
	for range 3 {
		lend(0, smallBlob)()
		lend(1, smallBlob+1)()
	}
	if reads[0] != 1 || reads[1] != 3 {
		t.Errorf("a small blob is read %d times, a large one %d times, want 1 and 3", reads[0], reads[1])
	}
	back := lend(0, smallBlob)
	for n := range keptBlobs {
		lend(byte(2+n), 1)()
	}
	if _, ok := b.sent[api.Hash{0}]; !ok {
		t.Error("a blob has left the memory while it is sent")
	}
	back()
	if len(b.sent) > keptBlobs || len(b.kept) != keptBlobs {
		t.Errorf("%d blobs are in memory, %d of them to stay, want %d", len(b.sent), len(b.kept), keptBlobs)
	}
	_, _, err := b.lend(api.Hash{200}, func() ([]byte, error) { return nil, store.ErrNotFound })
	if !errors.Is(err, store.ErrNotFound) || len(b.sent) > keptBlobs {
		t.Errorf("a blob that is not there: %v, %d in memory", err, len(b.sent))
	}
}
