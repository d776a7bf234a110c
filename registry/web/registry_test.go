package web_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/web"
)

const oneTimeCode = "K7QF-2M9X-4TBD"

// registry is what the citizen's page needs of one, over the real package pass. It can be taken off
// the network.
type registry struct {
	t       *testing.T
	issuer  ed25519.PrivateKey
	address string
	mux     *http.ServeMux

	mu         sync.Mutex // guards the following
	server     *httptest.Server
	shift      time.Duration // of its clock, as the page's clock is shifted
	used       map[string]ed25519.PublicKey
	topUps     [][]pass.DayKey // that were asked for
	refuse     *api.Error      // is the answer to a top-up
	loseTopUp  bool            // its answer, after it was carried out
	status     server.SelfAnswer
	captive    bool // somebody else answers
	loseAnswer bool // to an activation, after it was carried out
	cutOff     bool // something on the way ends each question that waits, after cutAfter
	questions  []server.SelfRequest
}

const cutAfter = 4 * time.Second

func newRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{
		t:      t,
		issuer: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)),
		mux:    http.NewServeMux(),
		used:   map[string]ed25519.PublicKey{},
		status: server.SelfAnswer{Status: "green", Colour: "green"},
	}
	r.mux.Handle("/", web.Handler())
	r.mux.HandleFunc("POST "+server.PathActivate, r.activate)
	r.mux.HandleFunc("POST "+server.PathTopUp, r.topUp)
	r.mux.HandleFunc("POST "+server.PathSelf, r.self)
	r.up("127.0.0.1:0")
	t.Cleanup(r.down)
	return r
}

func (r *registry) url() string { return "http://" + r.address }

func (r *registry) up(address string) {
	r.t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.address = listener.Addr().String()
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: r.mux}}
	server.Start()
	r.mu.Lock()
	r.server = server
	r.mu.Unlock()
}

// down takes the registry off the network.
func (r *registry) down() {
	r.mu.Lock()
	server := r.server
	r.server = nil
	r.mu.Unlock()
	if server != nil {
		server.CloseClientConnections()
		server.Close()
	}
}

func (r *registry) set(change func(*registry)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

func (r *registry) now() time.Time { return time.Now().Add(r.shift) }

func (r *registry) activate(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ask server.ActivateRequest
	if err := json.NewDecoder(q.Body).Decode(&ask); err != nil {
		answer(w, http.StatusBadRequest, api.Error{Error: err.Error()})
		return
	}
	key, err := base64.RawURLEncoding.DecodeString(ask.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		answer(w, http.StatusBadRequest, api.Error{Error: "key is not an Ed25519 public key"})
		return
	}
	if holder := r.used[ask.Code]; ask.Code != oneTimeCode && ask.Code != oneTimeCode+"2" || holder != nil && !holder.Equal(ed25519.PublicKey(key)) {
		answer(w, http.StatusForbidden, api.Error{Error: "code is not known or was used", Hint: "ask for a new one"})
		return
	}
	r.used[ask.Code] = key
	if r.loseAnswer {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *registry) topUp(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.Header().Set("Date", r.now().UTC().Format(http.TimeFormat))
	var ask server.TopUpRequest
	if err := json.NewDecoder(q.Body).Decode(&ask); err != nil {
		answer(w, http.StatusBadRequest, api.Error{Error: err.Error()})
		return
	}
	sealed, err := base64.RawURLEncoding.DecodeString(ask.TopUp)
	if err != nil {
		answer(w, http.StatusBadRequest, api.Error{Error: err.Error()})
		return
	}
	up, err := pass.ParseTopUp(sealed)
	if err != nil {
		answer(w, http.StatusBadRequest, api.Error{Error: err.Error()})
		return
	}
	if err := up.Verify(r.now()); err != nil || !r.knows(up.Phone) {
		answer(w, http.StatusForbidden, api.Error{Error: "not a phone of this registry"})
		return
	}
	r.topUps = append(r.topUps, up.Days)
	switch {
	case r.refuse != nil:
		answer(w, http.StatusForbidden, r.refuse)
		return
	case r.loseTopUp:
		panic(http.ErrAbortHandler)
	}
	got := server.TopUpAnswer{}
	for _, d := range up.Days {
		credential, err := pass.Issue(r.issuer, d.Day, r.block(d.Day), d.Holder)
		if err != nil {
			r.t.Error(err)
			return
		}
		got.Credentials = append(got.Credentials, base64.RawURLEncoding.EncodeToString(credential))
	}
	answer(w, http.StatusOK, got)
}

func (r *registry) knows(phone ed25519.PublicKey) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(r.used)), func(known ed25519.PublicKey) bool { return known.Equal(phone) })
}

// block is that of a day, for everybody.
func (r *registry) block(day pass.Day) pass.Block {
	keys := pass.NewPlaceKeys(map[pass.Day]pass.PlaceKey{day: {byte(day), byte(day >> 8)}}, nil)
	block, err := keys.SealDay(day, pass.Place{Index: 4711, Since: statuslist.Edition{Version: 1}})
	if err != nil {
		r.t.Error(err)
	}
	return block
}

func (r *registry) self(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.captive {
		fmt.Fprint(w, "<title>Hotel Wi-Fi</title>")
		return
	}
	w.Header().Set("Date", r.now().UTC().Format(http.TimeFormat))
	var ask server.SelfRequest
	if err := json.NewDecoder(q.Body).Decode(&ask); err != nil {
		answer(w, http.StatusBadRequest, api.Error{Error: err.Error()})
		return
	}
	sealed, err := base64.RawURLEncoding.DecodeString(ask.Self)
	if err != nil {
		answer(w, http.StatusBadRequest, api.Error{Error: err.Error()})
		return
	}
	check, err := pass.ParseSelfCheck(sealed)
	if err != nil {
		answer(w, http.StatusBadRequest, api.Error{Error: err.Error()})
		return
	}
	if err := check.Verify(r.now()); err != nil || !r.knows(check.Phone) {
		answer(w, http.StatusForbidden, api.Error{Error: "not a phone of this registry"})
		return
	}
	r.questions = append(r.questions, ask)
	if r.cutOff && ask.Seen != "" {
		r.mu.Unlock()
		time.Sleep(cutAfter)
		r.mu.Lock()
		w.WriteHeader(http.StatusGatewayTimeout) // like nginx
		return
	}
	status := r.status
	status.AsOf = r.now()
	answer(w, http.StatusOK, status)
}

// verify is what a door does with a code.
func (r *registry) verify(text string, now time.Time) error {
	code, err := pass.Parse([]byte(text))
	if err != nil {
		return err
	}
	issuers := pass.NewIssuers([]ed25519.PublicKey{r.issuer.Public().(ed25519.PublicKey)})
	return code.Verify(issuers, now)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(err)
	}
}
