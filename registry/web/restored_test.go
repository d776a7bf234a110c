package web_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// restoredStore is a copy of a registry's database, as from a backup of that moment.
func restoredStore(t *testing.T, from *store.Store, moment time.Time) *store.Store {
	t.Helper()
	to := openStore(t)
	into, err := to.Restore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = from.Dump(t.Context(), func(line any) error {
		if table, ok := line.(store.DumpedTable); ok {
			return into.Table(t.Context(), table)
		}
		text, err := json.Marshal(line)
		if err != nil {
			return err
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var row []any
		if err := decoder.Decode(&row); err != nil {
			return err
		}
		return into.Row(t.Context(), row)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := into.Commit(t.Context(), moment, time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	return to
}

// After a restore, the administrator is told what to do, and confirms it with one press.
func TestConfirmRestored(t *testing.T) {
	t.Parallel()
	_, options := realRegistry(t)
	url, restored := registryThat(t, restoredStore(t, options.Store, time.Now().Add(-time.Hour)), func(o *server.Options) {
		o.Authority = options.Authority // a backup has its key, too
	})
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/admin#key="+adminKey))
	until(t, ctx, `document.querySelector("#restored").innerText.includes("was restored from a backup")`)
	eval[chromedp.Void](t, ctx, `window.confirm = () => false`)
	do(t, ctx, chromedp.Click("#confirm-restored"))
	if backup, err := restored.Store.Backup(t.Context()); err != nil || backup.IsZero() {
		t.Errorf("confirmed although the administrator said no: %v, %v", backup, err)
	}
	eval[chromedp.Void](t, ctx, `window.confirm = () => true`)
	do(t, ctx, chromedp.Click("#confirm-restored"))
	until(t, ctx, `document.querySelector("#restored").hidden`)
	if backup, err := restored.Store.Backup(t.Context()); err != nil || !backup.IsZero() {
		t.Errorf("not confirmed: %v, %v", backup, err)
	}
}
