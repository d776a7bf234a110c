package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/statuslist"
)

func ExampleNew() {
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"green","as_of":"2026-03-01T08:30:00Z"}`)
	}))
	defer registry.Close()

	c, err := client.New(client.Config{URL: registry.URL, Timeout: 5 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	standing, err := c.Check(context.Background(), "AQ1:CODE")
	fmt.Println(standing.Status == statuslist.Green, err)
	// Output: true <nil>
}
