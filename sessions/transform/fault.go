package transform

import "strings"

// AtKey tells a fault under a key of the configuration, as an app's New begins each line of what is wrong with its options: the
// keys are those below `sessions.transforms`. A fault of several lines is several faults, each with the key in front. nil
// stays nil.
func AtKey(key string, err error) error {
	if err == nil {
		return nil
	}
	return &keyed{key + ": ", err}
}

type keyed struct {
	key string
	err error
}

func (k *keyed) Error() string {
	return k.key + strings.ReplaceAll(k.err.Error(), "\n", "\n"+k.key)
}

func (k *keyed) Unwrap() error { return k.err }

// OneLine is of a fault that is told in several lines and is one.
func OneLine(err error) error {
	if err == nil {
		return nil
	}
	return &oneLine{err}
}

type oneLine struct{ err error }

func (o *oneLine) Error() string { return strings.ReplaceAll(o.err.Error(), "\n", "; ") }

func (o *oneLine) Unwrap() error { return o.err }
