package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// route is one operation. Its answer is sent as JSON; nil is 204, and a raw is sent as it is.
type route struct {
	method string
	path   string // pattern of http.ServeMux
	body   int64  // at most, bytes
	answer func(*http.Request) (any, error)
}

// raw is an answer in another format than JSON.
type raw struct {
	kind, cache string // Content-Type, Cache-Control
	data        []byte
	sent        func() // is called after it was sent; nil: nothing
}

// refusedAll is a raw answer to a message of which nothing was taken: 422.
type refusedAll struct{ raw }

// alike is an answer in JSON of which nobody on the way learns anything by its length: it has
// spaces behind it, up to the next multiple of size, in bytes.
type alike struct {
	body any
	size int
}

// accepted is an answer in JSON to what was taken and is not done yet.
type accepted struct{ body any }

// conflicted is an answer in JSON to what cannot be done any more.
type conflicted struct{ body any }

// download is an answer out of a file.
type download struct {
	content  io.ReadSeeker
	modified time.Time
	size     int64
	done     func() error // is called after it
}

// extending is the key of a request's context for what gives the request more time.
type extending struct{}

// slowest is the rate, bytes/s, below which a download is cut off. A 2G modem is faster.
const slowest = 4 << 10

// send answers with the file, or with the requested part of it. A large file may take longer than
// other answers.
func (d download) send(w http.ResponseWriter, r *http.Request) (code int, err error) {
	defer func() { err = errors.Join(err, d.done()) }()
	deadline := time.Now().Add(time.Minute + time.Duration(d.size/slowest)*time.Second)
	if err := http.NewResponseController(w).SetWriteDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return http.StatusInternalServerError, err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-cache") // the file of this name may be replaced
	noted := &noting{ResponseWriter: w, code: http.StatusOK}
	http.ServeContent(noted, r, "", d.modified, d.content)
	return noted.code, nil
}

// noting remembers the status code for the log.
type noting struct {
	http.ResponseWriter
	code int
}

func (n *noting) WriteHeader(code int) {
	n.code = code
	n.ResponseWriter.WriteHeader(code)
}

// failure is an error for the other side: status, what was wrong, and what to do about it. The
// cause is only logged.
type failure struct {
	code  int
	text  string
	hint  string
	cause error
}

func (f *failure) Error() string {
	if f.cause != nil {
		return f.text + ": " + f.cause.Error()
	}
	return f.text
}

func (f *failure) Unwrap() error { return f.cause }

// unlogged is a failure of which the log gets something else than its text.
type unlogged struct {
	error
	log string
}

func (u unlogged) Error() string { return u.log }

func (u unlogged) Unwrap() error { return u.error }

func badRequest(text, hint string) error { return &failure{http.StatusBadRequest, text, hint, nil} }

// serve wraps a route with limits, headers, counting and logging. Of a request only its pattern is
// logged: paths, bodies and addresses may identify somebody.
func (s *Server) serve(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		secure(w.Header())
		r.Body = http.MaxBytesReader(w, r.Body, route.body)
		r = r.WithContext(context.WithValue(r.Context(), extending{}, func(d time.Duration) error {
			c := http.NewResponseController(w)
			err := errors.Join(c.SetReadDeadline(time.Now().Add(d)), c.SetWriteDeadline(time.Now().Add(d+time.Minute)))
			if errors.Is(err, http.ErrNotSupported) { // a test's recorder
				return nil
			}
			return err
		}))

		code, err := s.answer(w, r, route)
		s.metrics.requests.WithLabelValues(route.path, route.method, strconv.Itoa(code)).Inc()
		level := slog.LevelInfo
		switch {
		case code >= 500:
			level = slog.LevelError
		case route.method == http.MethodGet:
			level = slog.LevelDebug
		}
		attrs := []slog.Attr{slog.String("path", route.path), slog.Int("code", code), slog.Duration("took", time.Since(start))}
		if err != nil {
			attrs = append(attrs, slog.String("error", err.Error()))
		}
		s.opt.Log.LogAttrs(r.Context(), level, "request", attrs...)
	})
}

// secure sets what each answer says to browsers and caches, unless the route says more.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, route route) (int, error) {
	var body any
	var err error
	foreign := s.crossOrigin.Check(r)
	switch {
	case foreign != nil:
		err = &failure{http.StatusForbidden, "the page of another site has asked for this", "open the registry's own page", foreign}
	case route.method == "" || r.Method == route.method || (r.Method == http.MethodHead && route.method == http.MethodGet):
		body, err = route.answer(r)
		if wait, ok := body.(waiting); ok {
			if s.park(w, r, wait) {
				return http.StatusOK, nil
			}
			s.publisher.public.wait(r.Context(), wait.after, wait.longest)
			wait.leave()
			body, err = s.sealed()
		}
	default:
		w.Header().Set("Allow", route.method)
		err = &failure{http.StatusMethodNotAllowed, "wrong method", "use " + route.method, nil}
	}
	if err != nil {
		f := asFailure(err)
		if f.code == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		say := wanted(r)
		return f.code, errors.Join(err, writeJSON(w, f.code, api.Error{Error: say(f.text), Hint: say(f.hint), Code: codeOf(f)}))
	}
	switch body := body.(type) {
	case nil:
		w.WriteHeader(http.StatusNoContent)
		return http.StatusNoContent, nil
	case download:
		return body.send(w, r)
	case conflicted:
		return http.StatusConflict, writeJSON(w, http.StatusConflict, body.body)
	case accepted:
		return http.StatusAccepted, writeJSON(w, http.StatusAccepted, body.body)
	case alike:
		return http.StatusOK, writePadded(w, http.StatusOK, body.body, body.size)
	case raw:
		return http.StatusOK, body.send(w, http.StatusOK)
	case refusedAll:
		return http.StatusUnprocessableEntity, body.send(w, http.StatusUnprocessableEntity)
	}
	return http.StatusOK, writeJSON(w, http.StatusOK, body)
}

func (b raw) send(w http.ResponseWriter, code int) error {
	if b.sent != nil {
		defer b.sent()
	}
	w.Header().Set("Content-Type", b.kind)
	w.Header().Set("Cache-Control", b.cache)
	w.Header().Set("Content-Length", strconv.Itoa(len(b.data)))
	w.WriteHeader(code)
	_, err := w.Write(b.data)
	return err
}

// asFailure tells the other side as much about an error as it may know.
func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &failure{http.StatusRequestEntityTooLarge, "the body is too large", "send at most " + strconv.FormatInt(large.Limit, 10) + " bytes", err}
	}
	if errors.Is(err, store.ErrNotFound) {
		return &failure{http.StatusNotFound, "not found", "", err}
	}
	return &failure{http.StatusInternalServerError, "the registry could not do this", "try again; its log says why", err}
}

func writeJSON(w http.ResponseWriter, code int, body any) error { return writePadded(w, code, body, 1) }

func writePadded(w http.ResponseWriter, code int, body any, size int) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if over := (len(data) + 1) % size; over > 0 {
		data = append(data, bytes.Repeat([]byte{' '}, size-over)...)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, err = w.Write(append(data, '\n'))
	return err
}

// decode reads a body that is one JSON value. It refuses unknown fields and anything after the
// value. Its errors do not quote values, which may be somebody's number. Names are composed.
func decode[T any](r *http.Request) (T, error) {
	var v T
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return v, err
	}
	if nul.Match(body) { // PostgreSQL has no text with it
		return v, badRequest("a text has the character U+0000", "type it again: copied text may have invisible characters")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err = dec.Decode(&v)
	if err == nil {
		if _, end := dec.Token(); end == io.EOF {
			if v, ok := any(&v).(interface{ compose() }); ok {
				v.compose()
			}
			return v, nil
		}
		err = errors.New("something follows the JSON value")
	}
	return v, badRequest("the body does not fit this path", jsonHint(err))
}

// nul finds the character U+0000 in JSON. A backslash that is escaped itself begins none.
var nul = regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\\u0000`)

func jsonHint(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "field \"" + wrong.Field + "\" wants a " + wrong.Type.String()
	}
	if _, ok := errors.AsType[*time.ParseError](err); ok {
		return "times are written as 2021-04-20T12:00:00Z"
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return "there is no field " + name
	}
	return "send one JSON object"
}
