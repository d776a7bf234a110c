// Package storetest gives tests a PostgreSQL of their own.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
)

// Postgres makes a schema for this test and gives the URL of it. Without a server the test is
// skipped.
func Postgres(t testing.TB) string {
	t.Helper()
	address := os.Getenv("ASHYQ_TEST_POSTGRES")
	if address == "" {
		t.Skip("there is no PostgreSQL: ASHYQ_TEST_POSTGRES is not set to its postgres:// URL")
	}
	schema := fmt.Sprintf("ashyq_test_%d", time.Now().UnixNano())
	do := func(statement string) {
		db, err := sql.Open("pgx", address)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do("CREATE SCHEMA " + schema)
	t.Cleanup(func() { do("DROP SCHEMA " + schema + " CASCADE") })
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String()
}
