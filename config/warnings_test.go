package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestWarnings(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		got := parse(t, minimal+text).Warnings()
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	f("")
	f(`admin: {listen: "0.0.0.0:8081"}`,
		`admin.listen: "0.0.0.0:8081" is not a loopback address: whoever reaches it can purge the cache, profile the process, and see and end sessions`)
	f(`admin: {listen: "localhost:8081"}`)
	f(`admin: {listen: "[::1]:8081"}`)
	f(`admin: {listen: "unix:/run/admin.sock"}`)
	f(`trusted_proxies: [0.0.0.0/0]`, "trusted_proxies: holds every address: any client can state its own address, scheme and host")
	f(`debug_from: ["::/0"]`, "debug_from: holds every address: anybody sees the reasons and key digests in Cache-Status")
	f(`segment: {sealed: [priceTables, campaigns, facets]}`, "segment.sealed: leaves out channelPrivacy: any shopper can claim one by hand")
	f(`routes: [{match: {path: /a}, set_cookie: store}]`,
		"routes[0].set_cookie: store gives one shopper's cookies to everybody who gets the page")
	f(`routes: [{match: {path: /a}, downstream: {cdn: 5m, browser: 1m}}]`,
		"routes[0].downstream.cdn: 5m lets a shared cache keep a page that depends on the segment: it must key by the segment itself",
		"routes[0].downstream.browser: 1m lets a browser show the old price for so long after a log-in")
	f(`routes: [{match: {path: /a}, downstream: {cdn: no}}]`)
	f(`routes: [{match: {path: /a}, forward: {headers: [X-A, X-B]}}]`,
		"routes[0].forward.headers: X-A, X-B reach the origin and are not keyed: pages must not depend on them")
	f(`routes: [{match: {path: /a}, scope: public, forward: {headers: [X-A]}}]`,
		"routes[0].forward.headers: X-A reach the origin on scope public as it is")
	f(`routes: [{match: {path: /a}, segment: [channel, priceTable, loyalty]}]`,
		`routes[0].segment[1]: "priceTable" is no field of the public system (did you mean "priceTables"?)`)
	f("sessions: {mode: embedded, transforms: {rnb: {audiences: [{id: a, when: 'profile.email == \"x\"'}, {id: b, when: 'public.x == \"y\" and mine.tier == \"z\"'}]}, "+
		"apps: [{name: mine, url: \"http://h\", input: {public: [x]}, output: {mine: [tier]}}]}}",
		"sessions.transforms.rnb.audiences[0].when: reads profile.email, which nothing writes: is an app off?")
	f("sessions: {mode: embedded, backend_keys_file: backend.keys, transforms: {rnb: {audiences: [{id: a, when: 'creditControl.deadline == \"30\"'}]}}}",
		"sessions.transforms.rnb.audiences[0].when: reads creditControl.deadline, which nothing writes: only a backend can")
	f("segment: {channels: {1: {}, 3: {channelPrivacy: private}}}\nsessions: {mode: embedded, transforms: {store: {members: {3: 'profile.isAuthenticated == \"true\"'}}, "+
		"profile: {customers: {file: a.csv}, trust_public_email: yes}, impersonate: {operators: 'authentication.adminUserEmail != \"\"'}}}",
		"sessions.transforms.impersonate.operators: reads authentication.adminUserEmail, which nothing writes: is an app off?",
		"sessions.transforms.profile.trust_public_email: anybody who knows a customer's e-mail gets that customer's prices")
	const apps = `transforms: {store: {}, rnb: {}, checkout: {regions: {file: a.csv}}}`
	f("sessions: {"+apps+"}", "sessions.transforms: checkout, rnb: an edge with sessions.mode off does nothing with it, `aisle sessions` alone does")
	f("sessions: {mode: remote, remote: {url: \"http://h:1\"}, "+apps+"}",
		"sessions.transforms: rnb: an edge with sessions.mode remote does nothing with it, `aisle sessions` alone does")
	f("sessions: {mode: embedded, " + apps + "}")
	f(`sessions: {listen: "unix:side.sock", ` + apps + "}") // a sidecar's
	f("sessions: {transforms: {authentication: , rnb: null, search: ~, store: , apps: }}",
		"sessions.transforms.authentication: is null, which leaves it off; leave it out if that is meant",
		"sessions.transforms.rnb: is null, which leaves it off; leave it out if that is meant",
		"sessions.transforms.search: is null, which leaves it off; leave it out if that is meant")
	f("segment: {channels: {1: {}, 3: {channelPrivacy: private}}}\nsessions: {mode: embedded, transforms: {store: {members: {3: 'rnb.campaigns != \"\"'}}, "+
		"rnb: {audiences: [{id: a, when: 'store.channel == \"3\"'}]}}}",
		"sessions.transforms.store.members.3: hangs on audiences, and an audience hangs on the channel: where they never agree, both are cleared")
	f("segment: {channels: {1: {}, 3: {channelPrivacy: private}}}\nsessions: {mode: embedded, transforms: {store: {members: {3: 'rnb.campaigns != \"\"'}}, " +
		"rnb: {audiences: [{id: a, when: 'public.sc == \"3\"'}]}}}")
	f(`cache: {memory: 16MiB, max_object: 4MiB}`,
		"cache.max_object: 4MiB is more than an eighth of cache.memory, the most that one page may take: such pages are not stored")
	f(`cache: {memory: 16MiB, max_object: 2MiB}`)
	f(`cache: {honour_request_directives_from: ["0.0.0.0/0"]}`,
		"cache.honour_request_directives_from: holds every address: anybody can send requests past the cache")
}
