package alert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// How a mail server is spoken to.
const (
	StartTLS    = "starttls" // or nothing is sent
	ImplicitTLS = "tls"
	NoTLS       = "none" // only where the server is this machine
)

// patience bounds one message's way to the next server.
const patience = 30 * time.Second

// Mailer sends mails through a server. The zero value has no server.
type Mailer struct {
	Server   string // host:port
	TLS      string
	From     string
	User     string // empty: without signing in
	Password string
	Roots    *x509.CertPool // nil: the system's
}

// errNoServer says that nobody has set a mail server up.
var errNoServer = errors.New("no mail server is set up: serve --smtp names one")

// Check tells whether the settings can be used.
func (m Mailer) Check() error {
	if m.Server == "" {
		return nil
	}
	if _, _, err := m.address(); err != nil {
		return err
	}
	if err := CheckAddress(m.From); err != nil {
		return fmt.Errorf("the sender: %w", err)
	}
	if m.TLS == NoTLS && m.User != "" {
		return errors.New("a password is never sent without TLS")
	}
	return nil
}

func (m Mailer) address() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(m.Server)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil || host == "" || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("mail server %q, want HOST:PORT", m.Server)
	}
	return host, port, nil
}

// CheckAddress tells whether a text is one mail address and nothing else.
func CheckAddress(text string) error {
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || len(text) > 254 {
		return fmt.Errorf("%q is not a mail address", text)
	}
	return nil
}

// Send hands a mail to the server. id is the same when the same mail is sent again.
func (m Mailer) Send(ctx context.Context, to, subject, text, id string) error {
	if m.Server == "" {
		return errNoServer
	}
	host, port, err := m.address()
	if err != nil {
		return err
	}
	options := []gomail.Option{
		gomail.WithPort(port), gomail.WithTimeout(patience), gomail.WithTLSPolicy(gomail.TLSMandatory),
		gomail.WithTLSConfig(&tls.Config{ServerName: host, RootCAs: m.Roots, MinVersion: tls.VersionTLS12}),
	}
	switch m.TLS {
	case ImplicitTLS:
		options = append(options, gomail.WithSSL())
	case NoTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if m.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(m.User),
			gomail.WithPassword(m.Password))
	}
	client, err := gomail.NewClient(host, options...)
	if err != nil {
		return err
	}
	letter := gomail.NewMsg()
	if err := errors.Join(letter.From(m.From), letter.To(to)); err != nil {
		return err
	}
	letter.Subject(subject)
	letter.SetDate()
	letter.SetMessageIDWithValue(id + "@" + host)
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: holiday notices do not answer
	letter.SetBodyString(gomail.TypeTextPlain, text)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := client.DialAndSendWithContext(ctx, letter); err != nil {
		return fmt.Errorf("send a mail through %s: %w", m.Server, err)
	}
	return nil
}
