package server

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/text/language"
	"golang.org/x/time/rate"

	"ashyq-kiosk/registry/store"
)

// Messages sends a text to a phone number (E.164). It gives up when ctx ends. Its errors hold neither.
type Messages interface {
	Send(ctx context.Context, number, text string) error
}

// How requests to sign in wait for their message.
const (
	wishesOfBlock   = 200   // behind which there may be a town
	wishesOfAll     = 5_000 // each has some 300 bytes
	wishesPerSecond = 50    // are looked up
	messagesAtOnce  = 4     // are being sent
	messagesBurst   = 60    // beyond Options.MessagesHourly
	sendWithin      = 10 * time.Second
	sendTries       = 3
	sendAgain       = 2 * time.Second // after the first try; then twice that
)

// defaultHourly is how many messages are sent in an hour where Options say nothing.
const defaultHourly = 3_600

// signIns are the requests that wait for their message. Address blocks take turns, so that a crowd
// delays itself first.
type signIns struct {
	secret [32]byte // under which address blocks are kept; new at each start
	wrong  *rate.Limiter
	pace   *rate.Limiter // of look-ups
	send   *rate.Limiter // of messages

	mu     sync.Mutex // guards the rest
	lines  map[netip.Prefix][]wish
	blocks []netip.Prefix // those with a line, the next one first
	n      int
	some   chan struct{} // holds one when there may be a wish; full: one is there already
}

func newSignIns(hourly int) *signIns {
	if hourly == 0 {
		hourly = defaultHourly
	}
	q := &signIns{
		wrong: rate.NewLimiter(rate.Every(24*time.Hour/wrongDaily), wrongDaily),
		pace:  rate.NewLimiter(wishesPerSecond, wishesPerSecond),
		send:  rate.NewLimiter(rate.Limit(hourly)/3600, messagesBurst),
		lines: map[netip.Prefix][]wish{},
		some:  make(chan struct{}, 1),
	}
	if _, err := rand.Read(q.secret[:]); err != nil {
		panic("server: no random numbers: " + err.Error()) // never, says crypto/rand
	}
	return q
}

func (q *signIns) keyed(text string) store.Secret {
	mac := hmac.New(sha256.New, q.secret[:])
	mac.Write([]byte(text))
	return store.Secret(mac.Sum(nil))
}

// shortIsEnough: so few wrong codes came in that six digits are enough.
func (q *signIns) shortIsEnough() bool { return q.wrong.Tokens() >= 1 }
func (q *signIns) noteWrong()          { q.wrong.Allow() }

// put adds a wish, unless there are too many.
func (q *signIns) put(block netip.Prefix, w wish) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	line := q.lines[block]
	if q.n >= wishesOfAll || len(line) >= wishesOfBlock {
		return false
	}
	if len(line) == 0 {
		q.blocks = append(q.blocks, block)
	}
	q.lines[block] = append(line, w)
	q.n++
	select {
	case q.some <- struct{}{}:
	default:
	}
	return true
}

// next takes the first wish of the block whose turn it is.
func (q *signIns) next() (w wish, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == 0 {
		return w, false
	}
	block := q.blocks[0]
	line := q.lines[block]
	w, q.blocks, q.n = line[0], q.blocks[1:], q.n-1
	if len(line) == 1 {
		delete(q.lines, block)
	} else {
		q.lines[block], q.blocks = line[1:], append(q.blocks, block)
	}
	return w, true
}

// deliver looks up who has asked for a code, and sends it, until ctx ends.
func (s *Server) deliver(ctx context.Context) error {
	sending, sendCtx := errgroup.WithContext(ctx)
	sending.SetLimit(messagesAtOnce)
	for ctx.Err() == nil {
		w, ok := s.signIns.next()
		if !ok {
			select {
			case <-s.signIns.some:
			case <-ctx.Done():
			}
			continue
		}
		if s.signIns.pace.Wait(ctx) != nil {
			break
		}
		number, short, err := s.opt.Store.RequestSignIn(ctx, w.request(s.signIns.shortIsEnough()), now())
		if err != nil {
			if ctx.Err() == nil {
				s.opt.Log.Error("look up who wants to sign in", "error", err)
			}
			continue
		}
		if number == "" || s.signIns.send.Wait(ctx) != nil {
			continue
		}
		sending.Go(func() error { s.sendCode(sendCtx, number, codeText(w.language, w.code(short))); return nil })
	}
	return sending.Wait()
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
