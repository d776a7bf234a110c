package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/text/language"
	"golang.org/x/time/rate"

	"ashyq-kiosk/registry/store"
)

// Messages sends a text to a phone number (E.164). It gives up when ctx ends. Its errors hold
// neither.
type Messages interface {
	Send(ctx context.Context, number, text string) error
}

// How requests to sign in wait for their message.
const (
	wishesPerSecond = 50 // are looked up
	messagesAtOnce  = 4  // are being sent
	messagesBurst   = 60 // beyond Options.MessagesHourly
	sendWithin      = 10 * time.Second
	sendTries       = 3
	sendAgain       = 2 * time.Second // after the first try; then twice that
)

// defaultHourly is how many messages are sent in an hour where Options say nothing.
const defaultHourly = 3_600

// signIns are the requests that wait for their message. They wait twice: until somebody has looked
// whether there is a number, and those with a number until the message can be sent. Sending never
// holds the looking up: whoever asks could see by that who has a number.
type signIns struct {
	secret [32]byte      // under which address blocks are kept; the same in all registries
	pace   *rate.Limiter // of look-ups; steady, so that it hides how long each of them took
	send   store.Limit   // of messages

	wishes   *turns[wish]
	messages *turns[message]
}

// message is a code on its way to a phone.
type message struct {
	number, text string
	until        time.Time // after which nobody can use it
}

// wrongCodes is the limit beyond which six digits are too few.
var wrongCodes = store.Limit{Name: "wrong codes", Every: 24 * time.Hour / wrongDaily, AtOnce: wrongDaily}

func newSignIns(hourly int, secret [32]byte) *signIns {
	if hourly == 0 {
		hourly = defaultHourly
	}
	return &signIns{
		secret: secret,
		pace:   rate.NewLimiter(wishesPerSecond, 1),
		send:   store.Limit{Name: "messages", Every: time.Hour / time.Duration(hourly), AtOnce: messagesBurst},
		wishes: newTurns[wish](), messages: newTurns[message](),
	}
}

func (q *signIns) keyed(text string) store.Secret {
	mac := hmac.New(sha256.New, q.secret[:])
	mac.Write([]byte(text))
	return store.Secret(mac.Sum(nil))
}

// shortIsEnough: so few wrong codes came in that six digits are enough.
func (s *Server) shortIsEnough(ctx context.Context) (bool, error) {
	return s.opt.Store.Spare(ctx, wrongCodes, time.Now())
}

// lookUpWishes finds out who of those that want a code has a number, until ctx ends.
func (s *Server) lookUpWishes(ctx context.Context) error {
	for {
		block, w, err := s.signIns.wishes.next(ctx)
		if err != nil || s.signIns.pace.Wait(ctx) != nil {
			return nil
		}
		number, short, err := s.lookUpWish(ctx, w)
		if err != nil {
			if ctx.Err() == nil {
				s.opt.Log.Error("look up who wants to sign in", "error", err)
			}
			continue
		}
		if number == "" {
			continue
		}
		m := message{number, codeText(w.language, w.code(short)), now().Add(store.SignInLasts)}
		if taken, lost := s.signIns.messages.put(block, m); !taken || lost {
			s.metrics.messages.WithLabelValues("dropped").Inc()
		}
	}
}

// sendMessages sends what lookUpWishes has found, until ctx ends.
func (s *Server) sendMessages(ctx context.Context) error {
	sending, sendCtx := errgroup.WithContext(ctx)
	sending.SetLimit(messagesAtOnce)
	for {
		_, m, err := s.signIns.messages.next(ctx)
		if err != nil {
			return sending.Wait()
		}
		limited, cancel := context.WithDeadline(ctx, m.until)
		err = s.waitToSend(limited)
		cancel()
		if err != nil { // it would come too late
			s.metrics.messages.WithLabelValues("dropped").Inc()
			continue
		}
		sending.Go(func() error { s.sendCode(sendCtx, m.number, m.text); return nil })
	}
}

func (s *Server) lookUpWish(ctx context.Context, w wish) (number string, short bool, err error) {
	enough, err := s.shortIsEnough(ctx)
	if err != nil {
		return "", false, err
	}
	return s.opt.Store.RequestSignIn(ctx, w.request(enough), now())
}

// waitToSend waits for one of the messages that all registries together may send.
func (s *Server) waitToSend(ctx context.Context) error {
	for {
		wait, err := s.opt.Store.Use(ctx, s.signIns.send, time.Now())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			s.opt.Log.Warn("wait to send a code", "error", err)
			wait = time.Second
		case wait == 0:
			return nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sendCode tries a few times. The log gets neither number nor text.
func (s *Server) sendCode(ctx context.Context, number, text string) {
	pause := sendAgain
	for try := 1; ; try++ {
		limited, cancel := context.WithTimeout(ctx, sendWithin)
		err := s.opt.Messages.Send(limited, number, text)
		cancel()
		if err == nil {
			s.metrics.messages.WithLabelValues("sent").Inc()
			return
		}
		if ctx.Err() != nil {
			return
		}
		s.opt.Log.Warn("send a code", "try", try, "error", err)
		if try == sendTries {
			s.metrics.messages.WithLabelValues("failed").Inc()
			return
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return
		}
	}
}

// codeText says what the code is for, so that nobody is talked into passing it on.
func codeText(language, code string) string {
	switch language {
	case "kk":
		return "Ashyq: " + code + ". Бұл код басқа телефонға сіздің рұқсатнамаңызды береді. Ешкімге айтпаңыз. 10 минут жарамды."
	case "ru":
		return "Ashyq: " + code + ". Этот код даёт другому телефону ваш пропуск. Никому его не говорите. Действует 10 минут."
	}
	return "Ashyq: " + code + ". This code gives another phone your pass. Tell it to nobody. Valid for 10 minutes."
}

// languageOf is what a request asks for: kk, ru or en.
func languageOf(r *http.Request) string {
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err == nil && len(tags) > 0 {
		if base, _ := tags[0].Base(); base.String() == "kk" || base.String() == "ru" {
			return base.String()
		}
	}
	return "en"
}
