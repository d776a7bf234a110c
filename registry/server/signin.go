package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"ashyq-kiosk/registry/store"
)

// Digits of a code that is sent to a phone. The longer ones are for people and times that were
// guessed at; the package comment has the sums.
const shortDigits, longDigits = 6, 9

// wrongDaily is how many wrong codes of all people together leave six digits enough.
const wrongDaily = 1000

// answersEvery hides how long a refusal took: it leaves at the next full period after it began.
const answersEvery = 250 * time.Millisecond

// sessionSize is the size of the token that binds a code to the browser that asked for it.
const sessionSize = 32

var (
	errNoSignIn = &failure{http.StatusNotFound, "this registry sends no codes", "ask where you registered for a one-time code", nil}
	errNotYou   = &failure{http.StatusForbidden, "this code is not valid",
		"check it, or have another one sent: a code lasts 10 minutes and five tries", nil}
	errManyAsk = &failure{http.StatusTooManyRequests, "too many people ask for a code", "try again in a few minutes", nil}
)

func (s *Server) signInByMethod(r *http.Request) (any, error) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return s.signInKind()
	case http.MethodPost:
		return s.signIn(r)
	}
	return nil, &failure{http.StatusMethodNotAllowed, "wrong method", "use GET or POST", nil}
}

// signInKind tells the page whether it can offer to sign in with an IIN.
func (s *Server) signInKind() (any, error) {
	return SignInKind{Messages: s.opt.Messages != nil || s.opt.DemoShowsCodes, Shown: s.opt.DemoShowsCodes}, nil
}

// signIn answers alike for every IIN. Whether somebody has it is only looked up after the answer.
func (s *Server) signIn(r *http.Request) (any, error) {
	if s.opt.Messages == nil && !s.opt.DemoShowsCodes {
		return nil, errNoSignIn
	}
	iin, err := s.citizen(r)
	if err != nil {
		return nil, err
	}
	w := newWish(iin, languageOf(r), s.signIns.keyed(BlockOf(remote(r).Addr()).String()))
	if s.opt.DemoShowsCodes {
		return s.signInShown(r, w)
	}
	if taken, _ := s.signIns.wishes.put(BlockOf(remote(r).Addr()), w); !taken {
		return nil, errManyAsk
	}
	return SignInAnswer{Session: w.token, Lasts: int(store.SignInLasts / time.Second)}, nil
}

// signInShown is the demo's: the code is in the answer.
func (s *Server) signInShown(r *http.Request, w wish) (any, error) {
	q := w.request(true)
	q.Shown = true
	if _, _, err := s.opt.Store.RequestSignIn(r.Context(), q, now()); err != nil {
		return nil, err
	}
	return SignInAnswer{Session: w.token, Lasts: int(store.SignInLasts / time.Second), Code: w.code(true)}, nil
}

// wish is somebody's who says an IIN and wants a code.
type wish struct {
	iin      store.IIN
	language string
	asker    store.Secret
	token    string // the session's
	digits   string // longDigits of them; a short code is the first ones
}

func newWish(iin store.IIN, language string, asker store.Secret) wish {
	var token [sessionSize]byte
	if _, err := rand.Read(token[:]); err != nil {
		panic("server: no random numbers: " + err.Error()) // never, says crypto/rand
	}
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(longDigits), nil)
	n, err := rand.Int(rand.Reader, most)
	if err != nil {
		panic("server: no random numbers: " + err.Error())
	}
	return wish{iin, language, asker, base64.RawURLEncoding.EncodeToString(token[:]), fmt.Sprintf("%0*d", longDigits, n)}
}

func (w wish) code(short bool) string {
	if short {
		return w.digits[:shortDigits]
	}
	return w.digits
}

func (w wish) request(allowShort bool) store.SignInRequest {
	return store.SignInRequest{
		Session: store.SecretOf(w.token), IIN: w.iin, Asker: w.asker, AllowShort: allowShort,
		Short: sentCode(w.token, w.code(true)), Long: sentCode(w.token, w.code(false)),
	}
}

// sentCode is what the database keeps of a code: without the token, which only the browser has,
// nobody finds the code by trying all.
func sentCode(token, code string) store.Secret {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(code))
	return store.Secret(mac.Sum(nil))
}

// signInCode exchanges the code that was sent for a pass.
func (s *Server) signInCode(r *http.Request) (any, error) {
	start := time.Now()
	answer, err := s.trySignIn(r)
	if errors.Is(err, errNotYou) {
		took := time.Since(start)
		time.Sleep(took.Truncate(answersEvery) + answersEvery - took)
	}
	return answer, err
}

func (s *Server) trySignIn(r *http.Request) (any, error) {
	req, err := decode[SignInCodeRequest](r)
	if err != nil {
		return nil, err
	}
	key, err := phoneKey(req.Key)
	if err != nil {
		return nil, err
	}
	code := strings.NewReplacer(" ", "", "-", "").Replace(req.Code)
	session, err := s.knownSession(r, req.Session)
	if err != nil {
		return nil, err
	}
	enough, err := s.shortIsEnough(r.Context())
	if err != nil {
		return nil, err
	}
	want := newCredential(key, req.Name)
	_, err = s.opt.Store.SignIn(r.Context(), session, sentCode(req.Session, code), enough, want, wrongCodes, now())
	switch {
	case errors.Is(err, store.ErrWrongCode):
		return nil, errNotYou
	case errors.Is(err, store.ErrKeyUsed):
		return nil, errKeyUsed
	case err != nil:
		return nil, err
	}
	s.publisher.poke()
	return nil, nil
}

// knownSession refuses made-up sessions at the price of one look into the database.
func (s *Server) knownSession(r *http.Request, token string) (store.Secret, error) {
	session, known := store.SecretOf(token), false
	err := s.lookUps.try(r.Context(), remote(r).Addr(), func() (err error) {
		known, err = s.opt.Store.HasSignIn(r.Context(), session, now())
		return err
	})
	switch {
	case err != nil:
		return session, err
	case !known:
		return session, errNotYou
	case !s.codes.of(session).Allow():
		return session, errTriedTooOften
	}
	return session, nil
}
