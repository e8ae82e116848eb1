package koa_test

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/tests/rig"
)

// seenSession is a session as the published client returns it.
type seenSession struct {
	ID         string
	Namespaces map[string]map[string]struct{ Value any }
}

func (s *seenSession) value(namespace, key string) any { return s.Namespaces[namespace][key].Value }

// TestPublishedClients runs the Session and Segment clients of @vtex/api against an edge with a sidecar inside.
func TestPublishedClients(t *testing.T) {
	origin := startOrigin(t)
	edge := rig.RunEdge(t, rig.Aisle(t), rig.Config(origin, channels+"\naccount: acme\nsessions: {mode: embedded}"))
	cmd := exec.CommandContext(t.Context(), rig.Node(t, "../.."), "clients.js", edge.URL)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, exitText(err))
	}
	type read struct {
		SessionData  seenSession
		SessionToken string
	}
	var got struct {
		Opened, Read, After read
		First, Second, None seenSession
		Created             struct {
			SegmentData  map[string]any
			SegmentToken string
		}
		Known map[string]any
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	f("the account", got.Opened.SessionData.value("account", "accountName"), "acme")
	for what, s := range map[string]*seenSession{"an edit": &got.First, "a read": &got.Read.SessionData, "another edit": &got.Second, "one without items": &got.None, "the last read": &got.After.SessionData} {
		f("the session of "+what, s.ID, got.Opened.SessionData.ID)
	}
	f("what an edit with items returns", got.First.value("public", "postalCode"), "04561000")
	f("the channel", got.First.value("store", "channel"), "1")
	f("a read of a key that is not there yet", got.Read.SessionData.value("public", "country"), nil)
	f("a read", got.Read.SessionData.value("public", "postalCode"), "04561000")
	f("another edit", got.Second.value("public", "country"), "BRA")
	f("an edit with an empty list of items", len(got.None.Namespaces), 0)
	f("a read by the oldest token", got.After.SessionData.value("public", "country"), "ARG")
	f("the segment with the query's values", got.Created.SegmentData["utm_source"], "google")
	f("the culture", got.Created.SegmentData["cultureInfo"], "pt-BR")
	f("a parameter that the client does not send", got.Created.SegmentData["other"], nil)
	f("the segment by its token", got.Known["utm_source"], "google")
}

// exitText is what a command that failed has said.
func exitText(err error) string {
	if exit, ok := err.(*exec.ExitError); ok {
		return string(exit.Stderr)
	}
	return ""
}
