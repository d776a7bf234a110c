package enrol_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/enrol/enroltest"
)

// enrolled is a door with a client that uses its identity.
func enrolled(t *testing.T, registry *enroltest.Registry) (dir string, identity *enrol.Identity, remote *client.Client) {
	t.Helper()
	dir = t.TempDir()
	if err := enroller(dir).Enrol(t.Context(), registry.Code()); err != nil {
		t.Fatal(err)
	}
	_, identity = papers(t, dir)
	remote, err := client.New(client.Config{URL: registry.URL, Identity: identity.TLS, Device: "0123456789abcdef",
		Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remote.Close)
	return dir, identity, remote
}

func TestRenewedCertificateIsUsedAtOnce(t *testing.T) {
	registry := enroltest.New(t)
	dir, identity, remote := enrolled(t, registry)
	ask := func() enroltest.Seen {
		t.Helper()
		if err := remote.SendCounts(t.Context(), []byte("{}")); err == nil {
			t.Fatal("the test's registry takes counts")
		}
		seen := registry.Seen()
		return seen[len(seen)-1]
	}
	first := ask()
	if first.Serial != identity.Certificate().SerialNumber.String() || first.Device != "0123456789abcdef" ||
		first.Version != "1.2.3" {
		t.Fatalf("the door showed %+v", first)
	}
	old, door := identity.Certificate(), identity.DoorKey()
	if err := identity.Renew1(t.Context(), remote); err != nil {
		t.Fatal(err)
	}
	if got := ask().Serial; got == first.Serial || got != identity.Certificate().SerialNumber.String() {
		t.Errorf("the door still shows certificate %s", got)
	}
	if bytes.Equal(old.RawSubjectPublicKeyInfo, identity.Certificate().RawSubjectPublicKeyInfo) {
		t.Error("the key is the old one")
	}
	if _, kept := papers(t, dir); !kept.DoorKey().Equal(door) || !identity.DoorKey().Equal(door) {
		t.Error("the renewal has changed the door's own key")
	} else if kept.Certificate().SerialNumber.Cmp(identity.Certificate().SerialNumber) != 0 {
		t.Error("the card has another certificate")
	}
}

// answers is a registry that always gives the same answer.
type answers struct {
	renew func(api.RenewRequest) (api.RenewAnswer, error)
}

func (a answers) Renew(_ context.Context, r api.RenewRequest) (api.RenewAnswer, error) {
	return a.renew(r)
}

// doorKey is what a registry might try to make a door's own key.
func doorKey(t *testing.T) string {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "ASHYQ DOOR KEY", Bytes: der}))
}

func TestRenewalsThatAreNoGood(t *testing.T) {
	registry := enroltest.New(t)
	_, identity, remote := enrolled(t, registry)
	stranger := enroltest.NewAuthority(t, "Somebody")
	for name, spoil := range map[string]func(*api.RenewAnswer){
		"strange authority": func(a *api.RenewAnswer) { a.CA = stranger.PEM() },
		"no authority":      func(a *api.RenewAnswer) { a.CA = "" },
		"another's key":     func(a *api.RenewAnswer) { a.Certificate = a.CA },
		"a door key":        func(a *api.RenewAnswer) { a.Certificate += doorKey(t) },
	} {
		before := identity.Certificate()
		err := identity.Renew1(t.Context(), answers{func(r api.RenewRequest) (api.RenewAnswer, error) {
			answer, err := remote.Renew(t.Context(), r)
			spoil(&answer)
			return answer, err
		}})
		if !errors.Is(err, enrol.ErrAnswer) || identity.Certificate() != before {
			t.Errorf("%s: %v", name, err)
		}
	}
	both := func(r api.RenewRequest) (api.RenewAnswer, error) {
		answer, err := remote.Renew(t.Context(), r)
		answer.CA += stranger.PEM() // the next one is announced
		return answer, err
	}
	if err := identity.Renew1(t.Context(), answers{both}); err != nil {
		t.Errorf("an authority that is about to change: %v", err)
	}
	_, pool := identity.TLS()
	if _, err := stranger.Cert.Verify(x509.VerifyOptions{Roots: pool}); err != nil {
		t.Errorf("the next authority is not trusted: %v", err)
	}
}

// TestRenewer waits for half of a certificate's life on its own clock, and keeps trying.
func TestRenewer(t *testing.T) {
	registry := enroltest.New(t)
	dir, _, _ := enrolled(t, registry)
	synctest.Test(t, func(t *testing.T) {
		identity, err := enrol.Open(filepath.Join(dir, "identity.pem"), filepath.Join(dir, "ca.pem"))
		if err != nil {
			t.Fatal(err)
		}
		c := identity.Certificate()
		life := c.NotAfter.Sub(c.NotBefore)
		begin := time.Now()
		now := func() time.Time { return c.NotBefore.Add(time.Since(begin)) }
		var tried []time.Duration
		r := enrol.NewRenewer(identity, answers{func(api.RenewRequest) (api.RenewAnswer, error) {
			tried = append(tried, time.Since(begin))
			return api.RenewAnswer{}, errors.New("no network")
		}}, now, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithTimeout(t.Context(), life/2+life/20+10*time.Minute)
		defer cancel()
		if err := r.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if len(tried) < 8 || tried[0] < life/2 || tried[0] > life/2+life/20+time.Minute {
			t.Errorf("tried at %v of a life of %v", tried, life)
		}
	})
}

func TestRevoked(t *testing.T) {
	registry := enroltest.New(t)
	_, identity, _ := enrolled(t, registry)
	remote, err := client.New(client.Config{URL: registry.URL, Identity: identity.TLS, Refused: identity.Refused})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	renewer := enrol.NewRenewer(identity, remote, time.Now, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- renewer.Run(t.Context()) }()
	registry.Set(func(s *enroltest.Settings) { s.Revoked = true })
	if _, _, err := remote.Update(t.Context()); err == nil {
		t.Fatal("the registry refuses nothing")
	}
	select {
	case err := <-done:
		if !errors.Is(err, enrol.ErrRevoked) {
			t.Error(err)
		}
	case <-time.After(90 * time.Second):
		t.Error("nobody heard of it")
	}
}

// The certificate identifies the door, so only a registry that the door knows may see it.
func TestIdentityIsForItsRegistryOnly(t *testing.T) {
	registry, stranger := enroltest.New(t), enroltest.New(t)
	_, identity, _ := enrolled(t, registry)
	remote, err := client.New(client.Config{URL: stranger.URL, Identity: identity.TLS})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	_, _, err = remote.Update(t.Context())
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown || len(stranger.Seen()) != 0 {
		t.Errorf("%v, and the stranger saw %v", err, stranger.Seen())
	}
}

// A door whose certificate has expired says that it waits for the administrator, goes on asking,
// and says when that is over.
func TestRenewalWaitsForApproval(t *testing.T) {
	registry := enroltest.New(t)
	dir, _, _ := enrolled(t, registry)
	synctest.Test(t, func(t *testing.T) {
		identity, err := enrol.Open(filepath.Join(dir, "identity.pem"), filepath.Join(dir, "ca.pem"))
		if err != nil {
			t.Fatal(err)
		}
		var asked atomic.Int64
		approved := new(atomic.Bool)
		registry := answers{func(r api.RenewRequest) (api.RenewAnswer, error) {
			asked.Add(1)
			if !approved.Load() {
				return api.RenewAnswer{}, &api.Refusal{Status: 403, Said: api.Error{Error: "not approved",
					Code: api.CodeUnapproved}}
			}
			return registry.Renewed(r)
		}}
		expired := func() time.Time { return identity.Certificate().NotAfter.Add(time.Hour) }
		r := enrol.NewRenewer(identity, registry, expired, slog.New(slog.DiscardHandler))
		said := make(chan error, 100)
		r.Waits = func(err error) { said <- err }
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		tries := int(asked.Load())
		if tries < 5 || len(said) != tries {
			t.Errorf("asked %d times, and said so %d times", tries, len(said))
		}
		for range len(said) {
			if err := <-said; err == nil {
				t.Error("said that it was renewed before anybody approved")
			}
		}
		approved.Store(true)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(said) == 0 {
			t.Error("renewed, and did not say so")
		}
		for range len(said) {
			if err := <-said; err != nil {
				t.Errorf("renewed, and still says %v", err)
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
