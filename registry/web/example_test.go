package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"ashyq-kiosk/registry/web"
)

// The pages and the interface that they talk to share one origin.
func ExampleHandler() {
	mux := http.NewServeMux()
	mux.Handle("/", web.Handler())
	mux.Handle("/v1/", http.NotFoundHandler()) // where the registry's server goes

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(answer.Code, answer.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
