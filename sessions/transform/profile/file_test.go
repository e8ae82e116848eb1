package profile_test

import (
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/config/filewatch/filewatchtest"
	"github.com/aislecache/aisle/sessions/transform/profile"
)

// watched is an app on a file, inside of a synctest bubble, and what it told.
type watched struct {
	t    *testing.T
	path string
	app  *profile.Profile
	age  time.Duration // of the file's last version: each has a time of its own

	mu   sync.Mutex
	told []profile.Load
}

func newWatched(t *testing.T, name, text string) *watched {
	t.Helper()
	w := &watched{t: t, path: write(t, name, text)}
	app, err := profile.New(profile.Options{File: w.path, Told: func(l profile.Load) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, l)
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.app = app
	w.loads(1, "")
	return w
}

// becomes replaces the file.
func (w *watched) becomes(text string) {
	w.t.Helper()
	w.age += time.Second
	at := time.Now().Add(w.age)
	if err := os.WriteFile(w.path+".new", []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chtimes(w.path+".new", at, at); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(w.path+".new", w.path); err != nil {
		w.t.Fatal(err)
	}
}

// look waits until the file has been looked at.
func (w *watched) look() {
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

// loads says what has been told since it was last asked: nothing, a load, or an error with words.
func (w *watched) loads(customers int, words string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.told) != 1 {
		w.t.Errorf("told %d times: %+v", len(w.told), w.told)
		w.told = nil
		return
	}
	l := w.told[0]
	w.told = nil
	bad := l.Err == nil || !strings.Contains(l.Err.Error(), words)
	if l.Path != w.path || l.Customers != customers || words == "" && l.Err != nil || words != "" && bad {
		w.t.Errorf("told %+v, want %d customers and %q", l, customers, words)
	}
}

func (w *watched) quiet() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.told) > 0 {
		w.t.Errorf("told %+v", w.told)
	}
}

func TestFileIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, "customers.csv", "id,priceTables\nc1,gold\n")
		defer w.app.Close()
		s := newSession(t, w.app)
		s.does("authentication.storeUserId=c1")
		s.tables("gold")
		w.look()
		w.quiet()

		// A price table is taken away: the next call, whatever it changes.
		w.becomes("id,priceTables\nc1,\nc2,x\n")
		s.does()
		s.tables("gold")
		w.look()
		w.loads(2, "")
		s.does()
		s.tables("")

		// What is not sound as a whole changes nothing, and is told once.
		w.becomes("id,priceTables\nc1,silver\nc1,gold\n")
		w.look()
		w.loads(2, "line 3: the id is the one of line 2")
		w.look()
		w.quiet()
		s.does()
		s.tables("")
		w.becomes("id,priceTables\nc1,silver\nc1,bronze\n")
		w.look()
		w.loads(2, "line 3: the id is the one of line 2")

		// A file that is away is waited for.
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.look()
		w.loads(2, "no such file")
		w.look()
		w.quiet()
		w.becomes("id,priceTables\nc1,silver\n")
		w.look()
		w.loads(1, "")
		s.does()
		s.tables("silver")
	})
}

// TestFileOfEqualSizeAndTime: a price table is taken away by a file that looks like the one of before.
func TestFileOfEqualSizeAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, "customers.csv", "id,priceTables\nc1,gold\n")
		defer w.app.Close()
		s := newSession(t, w.app)
		s.does("authentication.storeUserId=c1")
		filewatchtest.Alike(t, w.path, "id,priceTables\nc2,gold\n")
		w.look()
		w.loads(1, "")
		s.does()
		s.tables("")
	})
}

// TestFileLosesEverybody: a file that has no customers any more, as one that is being written, takes no price table from anybody; one
// with a header, or an empty list, does if it is still so at the next look.
func TestFileLosesEverybody(t *testing.T) {
	const csv, yaml = "id,priceTables\nc1,gold\n", "- {id: c1, priceTables: gold}\n"
	f := func(name, text, empty, told string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			w := newWatched(t, name, text)
			defer w.app.Close()
			s := newSession(t, w.app)
			s.does("authentication.storeUserId=c1")
			w.becomes(empty)
			w.look()
			w.loads(1, told)
			s.does()
			s.tables("gold")
			w.becomes(text)
			w.look()
			w.loads(1, "")

			w.becomes(empty)
			w.look()
			w.loads(1, told)
			w.look()
			want := "gold"
			if told == "no customers any more" {
				want = ""
				w.loads(0, "")
			}
			w.quiet()
			s.does()
			s.tables(want)
		})
	}
	f("customers.csv", csv, "", "it is empty")
	f("customers.csv", csv, "id,priceTables\n", "no customers any more")
	f("customers.yaml", yaml, "", "it is empty")
	f("customers.yaml", yaml, "null", "it is empty")
	f("customers.yaml", yaml, "[]", "no customers any more")

	// At a start nobody is lost.
	for name, empty := range map[string]string{"customers.csv": "id,priceTables\n", "customers.yaml": "[]"} {
		asked(t, newApp(t, profile.Options{File: write(t, name, empty)}))("authentication.storeUserId=c1", "id=c1", "isAuthenticated=true")
	}
}

// TestFileThatIsAPipe is refused at a start, and changes nothing later; nobody waits for it.
func TestFileThatIsAPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, "customers.csv", "id,priceTables\nc1,gold\n")
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(w.path, 0o600); err != nil {
			t.Fatal(err)
		}
		w.look()
		w.loads(1, "no regular file")
		w.look()
		w.quiet()
		w.app.Close()
		if _, err := profile.New(profile.Options{File: w.path}); err == nil || !strings.Contains(err.Error(), w.path+": no regular file") {
			t.Errorf("%v", err)
		}
	})
}

func TestYAMLIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, "customers.yml", "- {id: c1, priceTables: [gold, vip]}\n")
		defer w.app.Close()
		s := newSession(t, w.app)
		s.does("authentication.storeUserId=c1")
		s.tables("gold,vip")
		w.becomes("- {id: c1}\n")
		w.look()
		w.loads(1, "")
		s.does()
		s.tables("")
	})
}

// TestFileWhileAsked: customers are asked for while the file changes, and each answer is of one version.
func TestFileWhileAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, "customers.csv", "id,firstName,priceTables\nc1,a,a\n")
		defer w.app.Close()
		stop := make(chan struct{})
		var asking sync.WaitGroup
		for range 4 {
			asking.Go(func() {
				for {
					out, err := w.app.Transform(t.Context(), vals("authentication.storeUserId=c1"))
					if m := plain(out); err != nil || m["profile.firstName"] == "" || m["profile.firstName"] != m["profile.priceTables"] {
						t.Errorf("%v, %v", m, err)
					}
					select {
					case <-stop:
						return
					case <-time.After(time.Millisecond):
					}
				}
			})
		}
		for _, version := range []string{"b", "c", "d"} {
			w.becomes("id,firstName,priceTables\nc1," + version + "," + version + "\n")
			w.look()
		}
		close(stop)
		asking.Wait()
		asked(t, w.app)("authentication.storeUserId=c1", "id=c1", "firstName=d", "priceTables=d", "isAuthenticated=true")
	})
}
