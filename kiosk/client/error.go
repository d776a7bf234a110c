package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"ashyq-kiosk/kiosk/api"
)

var (
	// ErrTooLong says that an answer is longer than any that a registry gives.
	ErrTooLong     = errors.New("answer is too long")
	errTimeout     = errors.New("no answer in time")
	errElsewhere   = errors.New("the answer redirects")
	errNotRegistry = errors.New("the answer is not from a registry")
)

// WrongBytes says that an answer is not the blob that was asked for.
type WrongBytes struct {
	Size int // of the answer
	Hash api.Hash
}

// Error is one line.
func (w *WrongBytes) Error() string {
	return fmt.Sprintf("not the requested blob: %d bytes with hash %s", w.Size, w.Hash)
}

func (c *Client) failure(doing string, err error) *api.CallError {
	e := &api.CallError{Doing: doing, Host: c.base.Host, Mirror: c.cfg.Mirror, Err: cause(err)}
	for _, x := range explanations {
		if means, ok := x.is(err); ok {
			e.Means, e.Hint = means, x.hint
			break
		}
	}
	switch r, ok := errors.AsType[*api.Refusal](err); {
	case ok && c.cfg.Mirror:
		e.Hint = "check the mirror's URL, and whether it serves what ashyq-registry export writes"
	case ok && r.Said.Hint != "":
		e.Hint = r.Said.Hint
	case c.cfg.Mirror:
		e.Means, e.Hint = ofMirror(e.Means), ofMirror(e.Hint)
	}
	return e
}

// ofMirror turns words about a registry into words about a mirror.
func ofMirror(text string) string {
	return strings.ReplaceAll(text, "registry", "mirror")
}

// cause removes the wrappers that repeat the URL, or print addresses and ports that differ each
// time.
func cause(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		err = e.Err
	}
	if _, ok := outOfTime(err); ok {
		err = &api.ClockError{Err: err}
	}
	return err
}

const changesAnswers = "something between door and registry changes the answers: check proxies and the URL"

// explanations say what a failure means and what to do about it. The first match counts.
var explanations = []struct {
	is   func(error) (means string, ok bool)
	hint string
}{
	{notYetValid, "the door's clock is behind: let it reach a time server (timedatectl status), then it connects by " +
		"itself"},
	{expired, "compare the door's clock with a watch; if the clock is right, renew the registry's certificate"},
	{is("", errAuthority), "the code is for another registry, or another server answers in the registry's place"},
	{as[x509.UnknownAuthorityError]("the registry's certificate is from an unknown authority"),
		"give the door the registry's CA certificate; if it has the right one, another server answers in the registry's " +
			"place"},
	{as[x509.HostnameError]("the registry's certificate is for another name"),
		"use a name in the URL that is in the certificate; or a login page of the network may be in between"},
	{isNoTLS, "check the scheme and the port of the registry's URL"},
	{noSuchHost, "check the host name in the registry's URL and the door's name server (resolvectl status)"},
	{as[*net.DNSError]("the name server does not answer"),
		"check the door's cable or Wi-Fi and its name server (resolvectl status)"},
	{is("nothing listens at the registry's address", syscall.ECONNREFUSED),
		"check the port in the registry's URL, and whether the registry is running"},
	{is("the door has no network", syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN),
		"check the door's cable or Wi-Fi and its gateway (ip route)"},
	{is("the connection broke off", syscall.ECONNRESET, syscall.EPIPE, io.ErrUnexpectedEOF, io.EOF), ""},
	{is("", errTimeout), "the network is down or very slow, or a firewall drops what the door sends"},
	{is("", errElsewhere), "set the registry's URL to where it really is; or a login page of the network may be in " +
		"between"},
	{as[*WrongBytes](""), changesAnswers},
	{is("", ErrTooLong, errNotRegistry), changesAnswers},
	{refused(http.StatusUnauthorized, http.StatusForbidden), "the registry does not accept this door's certificate: " +
		"enrol the door again"},
	{refused(http.StatusNotFound), "check the registry's URL: another server may answer there"},
}

func is(means string, targets ...error) func(error) (string, bool) {
	return func(err error) (string, bool) {
		for _, target := range targets {
			if errors.Is(err, target) {
				return means, true
			}
		}
		return "", false
	}
}

func as[E error](means string) func(error) (string, bool) {
	return func(err error) (string, bool) {
		_, ok := errors.AsType[E](err)
		return means, ok
	}
}

func refused(codes ...int) func(error) (string, bool) {
	return func(err error) (string, bool) {
		r, ok := errors.AsType[*api.Refusal](err)
		if !ok {
			return "", false
		}
		for _, code := range codes {
			if r.Status == code {
				return "", true
			}
		}
		return "", false
	}
}

func notYetValid(err error) (string, bool) {
	e, ok := outOfTime(err)
	if !ok || !time.Now().Before(e.Cert.NotBefore) {
		return "", false
	}
	return "the registry's certificate is not valid yet by this door's clock", true
}

func expired(err error) (string, bool) {
	_, ok := outOfTime(err)
	return "the registry's certificate has expired by this door's clock", ok
}

func outOfTime(err error) (x509.CertificateInvalidError, bool) {
	e, ok := errors.AsType[x509.CertificateInvalidError](err)
	return e, ok && e.Reason == x509.Expired && e.Cert != nil
}

func noSuchHost(err error) (string, bool) {
	e, ok := errors.AsType[*net.DNSError](err)
	return "the registry's host name is unknown", ok && e.IsNotFound
}

func isNoTLS(err error) (string, bool) {
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return "the server does not speak TLS", record || errors.Is(err, http.ErrSchemeMismatch)
}
