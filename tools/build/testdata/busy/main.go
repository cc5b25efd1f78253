// Command busy keeps one thread busy, so that the runtime's sysmon looks after it, and prints what
// package usleep says of the runtime.
package main

import (
	"fmt"
	"time"

	"github.com/arc4tun/arc4tun/internal/usleep"
)

func main() {
	for begin := time.Now(); time.Since(begin) < 200*time.Millisecond; {
	}
	fmt.Println(map[usleep.State]string{usleep.Faulty: "faulty", usleep.Right: "right", usleep.Elsewhere: "elsewhere"}[usleep.Own()])
}
