package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"ashyq-kiosk/kiosk/api"
)

var (
	errTimeout     = errors.New("no answer in time")
	errHash        = errors.New("not the blob that was asked for")
	errTooLong     = errors.New("answer is too long")
	errElsewhere   = errors.New("the answer redirects")
	errNotRegistry = errors.New("not a registry's answer")
)

func (c *Client) failure(doing string, err error) *api.CallError {
	e := &api.CallError{Doing: doing, Host: c.base.Host, Err: cause(err)}
	for _, x := range explanations {
		if means, ok := x.is(err); ok {
			e.Means, e.Hint = means, x.hint
			break
		}
	}
	if r, ok := errors.AsType[*api.Refusal](err); ok && r.Said.Hint != "" {
		e.Hint = r.Said.Hint
	}
	return e
}

// cause peels off what would repeat the URL, or print addresses and ports that differ with each attempt.
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

// explanations say what a failure means and what to do about it, the first that fits counts.
var explanations = []struct {
	is   func(error) (means string, ok bool)
	hint string
}{
	{notYetValid, "the door's clock is behind: let it reach a time server (timedatectl status), the connection then comes by itself"},
	{expired, "compare the door's clock with a watch; if the clock is right, the registry's certificate has to be renewed"},
	{is("", errAuthority), "the code is of another registry, or somebody else answers in the registry's place"},
	{as[x509.UnknownAuthorityError]("the registry's certificate is of an unknown authority"),
		"give the door the CA certificate of the registry; if it has the right one, somebody else answers in the registry's place"},
	{as[x509.HostnameError]("the registry's certificate is for another name"),
		"use a name in the URL that is in the certificate; a login page of the network may also be in between"},
	{isNoTLS, "check scheme and port of the registry's URL"},
	{noSuchHost, "check the host name in the registry's URL and the door's name server (resolvectl status)"},
	{as[*net.DNSError]("the name server does not answer"),
		"check the door's cable or Wi-Fi and its name server (resolvectl status)"},
	{is("nothing listens at the registry's address", syscall.ECONNREFUSED),
		"check the port in the registry's URL, and that the registry is running"},
	{is("the door has no network", syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN),
		"check the door's cable or Wi-Fi and its gateway (ip route)"},
	{is("the connection broke off", syscall.ECONNRESET, syscall.EPIPE, io.ErrUnexpectedEOF, io.EOF), ""},
	{is("", errTimeout), "the network is down or very slow, or a firewall drops what the door sends"},
	{is("", errElsewhere), "set the registry's URL to where it really is; a login page of the network may also be in between"},
	{is("", errHash, errTooLong, errNotRegistry), "something between door and registry changes or makes up answers: check proxies and the URL"},
	{refused(http.StatusUnauthorized, http.StatusForbidden), "the registry does not accept this door's certificate: enrol the door again"},
	{refused(http.StatusNotFound), "check the registry's URL: what answers there may be something else"},
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
	return "the registry's certificate is not valid yet, as this door's clock has it", true
}

func expired(err error) (string, bool) {
	_, ok := outOfTime(err)
	return "the registry's certificate has expired, as this door's clock has it", ok
}

func outOfTime(err error) (x509.CertificateInvalidError, bool) {
	e, ok := errors.AsType[x509.CertificateInvalidError](err)
	return e, ok && e.Reason == x509.Expired && e.Cert != nil
}

func noSuchHost(err error) (string, bool) {
	e, ok := errors.AsType[*net.DNSError](err)
	return "the registry's name is not known", ok && e.IsNotFound
}

func isNoTLS(err error) (string, bool) {
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return "what answers does not speak TLS", record || errors.Is(err, http.ErrSchemeMismatch)
}
