package main

import (
	"errors"
	"fmt"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/sms"
)

// smsFlags say who sends codes to sign in with an IIN.
type smsFlags struct {
	SMSCommand string `xor:"sms" placeholder:"PROGRAM" env:"ASHYQ_SMS_COMMAND" help:"Program that sends one message: it gets {\"number\", \"text\"} as JSON on its standard input. Without it and without --sms-url nobody signs in with an IIN."`
	SMSURL     string `name:"sms-url" xor:"sms" placeholder:"URL" env:"ASHYQ_SMS_URL" help:"Gateway that sends one message: it gets the same JSON by POST."`
	SMSToken   string `placeholder:"FILE" type:"path" env:"ASHYQ_SMS_TOKEN" help:"File with the gateway's bearer token."`
	SMSHourly  int    `placeholder:"N" default:"3600" env:"ASHYQ_SMS_HOURLY" help:"Messages in an hour, at most. (${default})"`
	DemoCodes  bool   `name:"demo-anybody-gets-any-pass" xor:"sms" hidden:""`
}

func (f *smsFlags) check() error {
	switch {
	case (f.SMSURL == "") != (f.SMSToken == ""):
		return errors.New("--sms-url and --sms-token belong together")
	case f.SMSHourly < 1:
		return fmt.Errorf("--sms-hourly is %d, want 1 or more", f.SMSHourly)
	}
	return nil
}

// messages is what sends; nil: nothing does.
func (f *smsFlags) messages() (server.Messages, error) {
	switch {
	case f.SMSCommand != "":
		return orNil(sms.NewCommand(f.SMSCommand))
	case f.SMSURL != "":
		return orNil(sms.NewGateway(f.SMSURL, f.SMSToken))
	}
	return nil, nil
}

// orNil keeps a nil pointer from becoming an interface that is not nil.
func orNil[M server.Messages](m M, err error) (server.Messages, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}
