package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/native"
)

// transforms are an engine and the apps that it calls.
type transforms struct {
	sidecar *sidecar
	set     *native.Set
	engine  *transform.Engine
}

// newTransforms makes what a configuration says. Until use, nothing has changed.
func (s *sidecar) newTransforms(o config.Sessions) (*transforms, error) {
	options := o.Transforms
	options.Logger = s.logger
	set, err := native.Open(options, s.told)
	if err != nil {
		return nil, belowTransforms(err)
	}
	engine, err := transform.New(set.Apps(), transform.Options{Observe: func(c transform.Call) {
		s.metrics.Transform(c)
		set.Observe(c)
	}})
	if err != nil {
		set.Close()
		return nil, fmt.Errorf("sessions.transforms: %w", err)
	}
	return &transforms{s, set, engine}, nil
}

// belowTransforms completes the keys that native.Open begins each line with.
func belowTransforms(err error) error {
	lines := strings.Split(err.Error(), "\n")
	return fmt.Errorf("sessions.transforms.%s", strings.Join(lines, "\nsessions.transforms."))
}

// retired is how long apps live that are no longer called: requests that began with them have ended by then.
const retired = 10 * time.Second

// use has requests from now on run through these. nil is of an edge without a sidecar inside.
func (t *transforms) use() {
	if t == nil {
		return
	}
	t.sidecar.service.Use(t.engine)
	if before := t.sidecar.apps.Swap(t.set); before != nil {
		time.AfterFunc(retired, before.Close)
	}
}

func (t *transforms) close() {
	if t != nil {
		t.set.Close()
	}
}

func (s *sidecar) closeApps() {
	if set := s.apps.Swap(nil); set != nil {
		set.Close()
	}
}

// nextTransforms are those of another configuration; nil where this process has no sidecar.
func (p *process) nextTransforms(c *config.Config) (*transforms, error) {
	if p.sidecar == nil {
		return nil, nil
	}
	return p.sidecar.newTransforms(c.Sessions())
}

// checkout answers the regions API from the data that are in use.
func (s *sidecar) checkout(w http.ResponseWriter, r *http.Request) {
	if set := s.apps.Load(); set != nil && set.Endpoints() != nil {
		set.Endpoints().ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r) // there are no regions
}

// explain tells why a shopper is in an audience.
func (s *sidecar) explain(values transform.Values, now time.Time) any {
	if set := s.apps.Load(); set != nil {
		if list := set.Explain(values, now); list != nil {
			return list
		}
	}
	return nil // a nil list would be shown as null
}

// checkTransforms opens the files that the transforms name, for `aisle check`, and gives what it warns of in them.
func checkTransforms(c *config.Config) (warnings []string, err error) {
	set, err := native.Open(c.Sessions().Transforms, nil)
	if err != nil {
		return nil, belowTransforms(err)
	}
	defer set.Close()
	if _, err := transform.New(set.Apps(), transform.Options{}); err != nil {
		return nil, fmt.Errorf("sessions.transforms: %w", err)
	}
	for _, warning := range set.Warnings() {
		warnings = append(warnings, "sessions.transforms."+warning)
	}
	return warnings, nil
}
