package localend_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/localend"
)

// A whole client: its device, addresses and routes are those of this machine, and go when it ends.
// Nothing is said of MPPE and authentication, so that only MS-CHAPv2 and 128 bits will do.
func ExampleClient() {
	if err := localend.Permitted(); err != nil {
		fmt.Println(err) // what is missing, and how to get it
		return
	}
	end := localend.NewClient(localend.ClientConfig{DefaultRoute: true})
	defer end.Close()
	cfg := tunnel.ClientConfig{Server: "vpn.example.net", User: "alice", Password: os.Getenv("PASSWORD"), Reconnect: true}
	end.Attach(&cfg)
	client, err := tunnel.NewClient(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Println(client.Run(ctx))
}
