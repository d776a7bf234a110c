package server

import (
	"crypto/x509"
	"testing"
	"testing/synctest"
	"time"
)

// newAuthority makes an authority as a first start does.
func newAuthority(t testing.TB) *Authority {
	t.Helper()
	key, err := NewAuthorityKey()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := SelfSign(key)
	if err != nil {
		t.Fatal(err)
	}
	a, err := LoadAuthority(key, certificate)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOwnCertificateRenewsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		config, err := a.TLS("192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(a.Certificate)
		serves := func() *x509.Certificate {
			t.Helper()
			got, err := config.GetCertificate(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, host := range []string{"192.0.2.1", "127.0.0.1", "localhost"} {
				if _, err := got.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
					t.Fatalf("%s: %v", host, err)
				}
			}
			if last, err := x509.ParseCertificate(got.Certificate[1]); err != nil || !last.Equal(a.Certificate) {
				t.Fatalf("the authority is not sent along: %v", err)
			}
			return got.Leaf
		}
		first := serves()
		time.Sleep(ownLasts*2/3 - time.Second)
		if !serves().Equal(first) {
			t.Error("renewed too early")
		}
		time.Sleep(time.Second)
		if serves().Equal(first) {
			t.Error("not renewed when two thirds were over")
		}
		for range 80 { // as long as the authority itself is good
			time.Sleep(ownLasts)
			serves()
		}
	})
}

func TestAuthorityOfAnotherKey(t *testing.T) {
	key, err := NewAuthorityKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LoadAuthority(key, []byte(certificatePEM(newAuthority(t).Certificate))); err == nil {
		t.Error("a certificate of another key was taken")
	}
	itself := newAuthority(t).Certificate
	if !itself.IsCA || itself.MaxPathLen != 0 || !itself.MaxPathLenZero || time.Until(itself.NotAfter) < 19*365*24*time.Hour {
		t.Errorf("authority: CA %v, path %d, until %v", itself.IsCA, itself.MaxPathLen, itself.NotAfter)
	}
}
