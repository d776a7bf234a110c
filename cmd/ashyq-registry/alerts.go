package main

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"ashyq-kiosk/registry/alert"
	"ashyq-kiosk/registry/server"
)

// alertFlags say how people are told what is wrong with doors.
type alertFlags struct {
	SMTP             string        `name:"smtp" placeholder:"HOST:PORT" env:"ASHYQ_SMTP" help:"Mail server for alerts. (no mails)"`
	SMTPTLS          string        `name:"smtp-tls" default:"starttls" enum:"starttls,tls,none" placeholder:"HOW" env:"ASHYQ_SMTP_TLS" help:"starttls (as usual on port 587), tls (from the start, as usual on 465), or none, for a server on this machine."`
	SMTPFrom         string        `name:"smtp-from" placeholder:"ADDRESS" env:"ASHYQ_SMTP_FROM" help:"Sender of the mails."`
	SMTPUser         string        `name:"smtp-user" placeholder:"NAME" env:"ASHYQ_SMTP_USER" help:"Name to sign in with. (without signing in)"`
	SMTPPasswordFile string        `name:"smtp-password-file" type:"path" placeholder:"FILE" env:"ASHYQ_SMTP_PASSWORD_FILE" help:"File with the password on its first line."`
	AlertCA          string        `name:"alert-ca" type:"path" placeholder:"FILE" env:"ASHYQ_ALERT_CA" help:"Authorities, PEM, that may vouch for the mail server and for webhooks, instead of the system's."`
	HookNetworks     []string      `name:"hook-networks" placeholder:"CIDR" env:"ASHYQ_HOOK_NETWORKS" help:"Internal networks in which webhooks may be called, like 10.1.2.0/24. (only public addresses)"`
	SilentAfter      time.Duration `name:"silent-after" default:"30m" placeholder:"TIME" env:"ASHYQ_SILENT_AFTER" help:"How long a door may not be heard of before somebody is told; 10m at least. (${default})"`
}

// shortestSilence is two hellos of a door: it says hello every five minutes.
const shortestSilence = 10 * time.Minute

func (f *alertFlags) options() (server.AlertOptions, error) {
	o := server.AlertOptions{
		Mail:        alert.Mailer{Server: f.SMTP, TLS: f.SMTPTLS, From: f.SMTPFrom, User: f.SMTPUser},
		SilentAfter: f.SilentAfter,
	}
	if f.SilentAfter < shortestSilence {
		return o, usage{fmt.Errorf("--silent-after %s: doors say hello every five minutes; write %s or more", f.SilentAfter,
			shortestSilence)}
	}
	if f.SMTP == "" && (f.SMTPFrom != "" || f.SMTPUser != "" || f.SMTPPasswordFile != "") {
		return o, usage{fmt.Errorf("--smtp is missing: it names the mail server")}
	}
	if (f.SMTPUser == "") != (f.SMTPPasswordFile == "") {
		return o, usage{fmt.Errorf("--smtp-user and --smtp-password-file belong together")}
	}
	if f.SMTPPasswordFile != "" {
		text, err := os.ReadFile(f.SMTPPasswordFile)
		if err != nil {
			return o, fmt.Errorf("--smtp-password-file: %w", err)
		}
		if o.Mail.Password, _, _ = strings.Cut(string(text), "\n"); o.Mail.Password == "" {
			return o, fmt.Errorf("--smtp-password-file: the first line of %q is empty", f.SMTPPasswordFile)
		}
	}
	if err := o.Mail.Check(); err != nil {
		return o, usage{fmt.Errorf("--smtp: %w", err)}
	}
	for _, text := range f.HookNetworks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return o, usage{fmt.Errorf("--hook-networks: %w", err)}
		}
		o.Hooks.Networks = append(o.Hooks.Networks, network)
	}
	if f.AlertCA != "" {
		pem, err := os.ReadFile(f.AlertCA)
		if err != nil {
			return o, fmt.Errorf("--alert-ca: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return o, fmt.Errorf("--alert-ca: no certificate in %q", f.AlertCA)
		}
		o.Mail.Roots, o.Hooks.Roots = roots, roots
	}
	return o, nil
}
