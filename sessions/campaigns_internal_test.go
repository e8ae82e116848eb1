package sessions

import (
	"testing"

	"github.com/aislecache/aisle/sessions/transform/audiences"
)

// TestCampaignsAreOneBound: an audience that `--explain` calls matched is in the segment.
func TestCampaignsAreOneBound(t *testing.T) {
	if audiences.MaxLimit != maxCampaigns {
		t.Errorf("a shopper can be in %d audiences, and the segment takes %d", audiences.MaxLimit, maxCampaigns)
	}
}
