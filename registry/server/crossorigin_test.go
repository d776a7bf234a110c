package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

// A page of somebody else does not make its visitors' browsers ask for codes: each of them has an
// address of its own, and messages cost money.
func TestOtherSitesMayNotAsk(t *testing.T) {
	for name, c := range map[string]struct {
		site, origin string
		want         int
	}{
		"the own page":                         {"same-origin", "https://registry.example", http.StatusOK},
		"the own page of an old browser":       {"", "https://registry.example", http.StatusOK},
		"the same by another address":          {"", "https://example.com", http.StatusOK},
		"typed in":                             {"none", "", http.StatusOK},
		"a program":                            {"", "", http.StatusOK},
		"another site":                         {"cross-site", "https://evil.test", http.StatusForbidden},
		"another name of the same domain":      {"same-site", "https://evil.registry.example", http.StatusForbidden},
		"another site, an old browser":         {"", "https://evil.test", http.StatusForbidden},
		"a file, or a frame without an origin": {"cross-site", "null", http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, g := signInRig(t)
				req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, PathSignIn, strings.NewReader(`{"iin":"`+iinA+`"}`))
				for key, value := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin, "Content-Type": "text/plain"} {
					if value != "" {
						req.Header.Set(key, value)
					}
				}
				w := httptest.NewRecorder()
				r.ServeHTTP(w, req)
				if sent := g.take(); w.Code != c.want || (len(sent) == 1) != (c.want == http.StatusOK) {
					t.Errorf("%d %s, sent: %q", w.Code, w.Body, sent)
				}
			})
		})
	}
}
