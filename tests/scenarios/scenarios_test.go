package scenarios_test

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aislecache/aisle/tests/rig"
)

// TestScenarios runs each .txtar file of this folder. -run TestScenarios/p01 runs one.
func TestScenarios(t *testing.T) {
	bin := rig.Aisle(t)
	testscript.Run(t, testscript.Params{
		Dir: ".",
		Setup: func(e *testscript.Env) error {
			s := &stage{bin: bin, dir: e.WorkDir, pending: map[string]chan outcome{}}
			e.Values[stageKey{}] = s
			e.Defer(func() { s.end(e.T()) })
			return nil
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"origin":    cmdOrigin,
			"seen":      cmdSeen,
			"edge":      cmdEdge,
			"stop":      cmdStop,
			"req":       cmdReq,
			"begin":     cmdBegin,
			"finish":    cmdFinish,
			"raw":       cmdRaw,
			"purge":     cmdPurge,
			"admin":     cmdAdmin,
			"metric":    cmdMetric,
			"log":       cmdLog,
			"notice":    cmdNotice,
			"wait-file": cmdWaitFile,
			"release":   cmdRelease,
		},
	})
}
