package soak

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/internal/lab/link"
)

func TestSceneAllows(t *testing.T) {
	at := func(e ...event) Scene { return Scene{Events: e} }
	for name, c := range map[string]struct {
		scene                     Scene
		breaks, devices, overtake bool
	}{
		"nothing":                    {scene: Scene{}},
		"a loss":                     {scene: Scene{Download: link.Config{Loss: 0.5}}},
		"jitter":                     {scene: Scene{Upload: link.Config{Jitter: 1}}, overtake: true},
		"a short outage":             {scene: at(event{Kind: linkDown}, event{Kind: linkUp, At: time.Second})},
		"a long outage":              {scene: at(event{Kind: linkDown}, event{Kind: linkUp, At: echoTimeout}), breaks: true},
		"a kill":                     {scene: at(event{Kind: killServer}), breaks: true, devices: true},
		"a clock an hour ahead":      {scene: at(event{Kind: jumpServer, By: time.Hour}), breaks: true},
		"a clock an hour back":       {scene: at(event{Kind: jumpServer, By: -time.Hour})},
		"a clock ten seconds ahead":  {scene: at(event{Kind: jumpClient, By: 10 * time.Second})},
		"a client that dies quietly": {scene: at(event{Kind: dieSilently}), breaks: true, devices: true},
	} {
		assert.Equal(t, c.breaks, c.scene.breaksSessions(), name)
		assert.Equal(t, c.devices, c.scene.losesDevices(), name)
		assert.Equal(t, c.overtake, c.scene.overtakes(), name)
	}
}
