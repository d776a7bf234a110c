// Package alerttest has servers that take alerts: SMTP with STARTTLS, and webhooks over HTTPS.
package alerttest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"ashyq-kiosk/registry/alert"
)

// Mail is one that a server took.
type Mail struct{ To, Subject, Text, ID string }

// MailServer speaks SMTP. It wants STARTTLS and the user "registry" with the password "right".
type MailServer struct {
	Address string
	Roots   *x509.CertPool

	server *smtp.Server
	mu     sync.Mutex // guards the following
	mails  []Mail
	refuse error
}

// NewMailServer starts one that runs until the test ends.
func NewMailServer(t testing.TB) *MailServer {
	t.Helper()
	certificates := httptest.NewTLSServer(nil) // only for its certificate
	certificates.Close()
	m := &MailServer{Roots: certificates.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.Address = listener.Addr().String()
	m.server = smtp.NewServer(m)
	m.server.TLSConfig = &tls.Config{Certificates: certificates.TLS.Certificates}
	m.server.ErrorLog = log.New(io.Discard, "", 0)
	m.server.Domain, m.server.ReadTimeout, m.server.WriteTimeout = "mail.test", 10*time.Second, 10*time.Second
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = m.server.Serve(listener) // ends with Close
	}()
	t.Cleanup(func() {
		_ = m.server.Close()
		<-done
	})
	return m
}

// Refuse lets the server answer every mail with an error; nil: it takes them again.
func (m *MailServer) Refuse(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = err
}

// Mails are those that came.
func (m *MailServer) Mails() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Mail(nil), m.mails...)
}

// NewSession implements smtp.Backend.
func (m *MailServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: m, conn: c}, nil
}

type session struct {
	server *MailServer
	conn   *smtp.Conn
	signed bool
	to     string
}

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if _, secure := s.conn.TLSConnectionState(); !secure || user != "registry" || password != "right" {
			return errors.New("wrong user or password")
		}
		s.signed = true
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.signed {
		return smtp.ErrAuthRequired
	}
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	letter, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
	if err != nil {
		return err
	}
	text, err := decoded(letter)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.refuse != nil {
		return s.server.refuse
	}
	s.server.mails = append(s.server.mails, Mail{s.to, subject, text, letter.Header.Get("Message-ID")})
	return nil
}

// Reset implements smtp.Session.
func (s *session) Reset() {}

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// decoded is the text as it was before it travelled.
func decoded(letter *mail.Message) (string, error) {
	body := letter.Body
	if strings.EqualFold(letter.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	return strings.ReplaceAll(string(text), "\r\n", "\n"), err
}

// HookServer takes webhooks and checks their signatures.
type HookServer struct {
	URL   string
	Roots *x509.CertPool

	mu       sync.Mutex // guards the following
	secret   string
	messages []alert.Message
	answer   int
	wrong    []string
}

// NewHookServer starts one that runs until the test ends.
func NewHookServer(t testing.TB) *HookServer {
	t.Helper()
	h := &HookServer{answer: http.StatusNoContent}
	server := httptest.NewUnstartedServer(http.HandlerFunc(h.take))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	h.URL, h.Roots = server.URL+"/ashyq", server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return h
}

func (h *HookServer) take(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	var m alert.Message
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	want := alert.Sign(h.secret, r.Header.Get(alert.HeaderTimestamp), body)
	if err != nil || r.Method != http.MethodPost || r.Header.Get(alert.HeaderSignature) != want {
		h.wrong = append(h.wrong, strings.Join([]string{r.Method, r.URL.Path, string(body)}, " "))
		w.WriteHeader(http.StatusForbidden)
		return
	}
	answer := h.answer
	if answer/100 == 3 {
		w.Header().Set("Location", "/moved")
		if r.URL.Path == "/moved" {
			answer = http.StatusNoContent
		}
	}
	if answer < 300 {
		h.messages = append(h.messages, m)
	}
	w.WriteHeader(answer)
}

// Set sets the secret, and the status that the server answers.
func (h *HookServer) Set(secret string, answer int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secret, h.answer = secret, answer
}

// Messages are those that came, and the requests that were wrong.
func (h *HookServer) Messages() (messages []alert.Message, wrong []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append(messages, h.messages...), append(wrong, h.wrong...)
}
