package upstream

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/aislecache/aisle/cache"
)

// exchange is one request to one server, from the choice of the server to the
// end of the answer's body.
type exchange struct {
	upstream *Upstream
	server   *server
	upload   *upload
	interim  *interim
	upgrade  string // the protocol asked for

	caller context.Context         // the caller's, to tell its end from ours
	ctx    context.Context         // of this exchange; ends with caller's
	cancel context.CancelCauseFunc // of ctx

	firstByte  atomic.Bool              // set by the transport's goroutines
	conn       atomic.Pointer[conn]     // the connection last used
	connection atomic.Pointer[[]string] // what Connection of its answer lists; new for each connection

	ended sync.Once
}

func newExchange(caller context.Context, u *Upstream, s *server, r *cache.OriginRequest) *exchange {
	x := &exchange{upstream: u, server: s, upload: newUpload(r), interim: &interim{to: r.Interim}, upgrade: r.Upgrade, caller: caller}
	x.ctx, x.cancel = context.WithCancelCause(caller)
	return x
}

// end frees what the exchange holds, but for its slot. It does not wait.
func (x *exchange) end() {
	x.ended.Do(func() {
		x.cancel(context.Canceled)
		x.interim.stop()
		x.upload.stop()
		x.upstream.put(x.server)
	})
}

// address names the server in logs and errors.
func (x *exchange) address() string { return x.server.target.address }

// answer makes the port's answer of net/http's, or refuses what that let pass:
// statuses outside of RFC 9110, 15, and a switch of protocols that nobody asked
// for. The slot goes to the body.
func (x *exchange) answer(resp *http.Response) (*cache.OriginResponse, error) {
	x.interim.stop()
	if resp.ProtoMajor == 1 && resp.StatusCode == http.StatusSwitchingProtocols && x.upgrade != "" {
		if upgraded, err := x.switched(resp); err == nil {
			return upgraded, nil
		}
	}
	if resp.ProtoMajor != 1 || resp.StatusCode < 200 || resp.StatusCode > 599 {
		x.cancel(context.Canceled)
		resp.Body.Close()
		x.end()
		x.upload.wait()
		return nil, &cache.OriginError{Reason: cache.ReasonMalformed, Server: x.address(),
			Err: fmt.Errorf("answer %s %03d", resp.Proto, resp.StatusCode)}
	}
	return &cache.OriginResponse{
		Status: resp.StatusCode,
		Fields: answerFields(resp.Header, *x.connection.Load()),
		Body:   newBody(x, resp.Body),
		Length: resp.ContentLength,
		Server: x.address(),
		Trailer: func() []cache.Field {
			return trailerFields(resp.Trailer)
		},
	}, nil
}
