// A datagram echo or sink on Go's net package, with the calls that do not allocate (ReadFromUDPAddrPort,
// WriteToUDPAddrPort): one of the receivers Volley is measured against.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const slotBytes = 2048

type totals struct {
	received, sent, bytesReceived, sendErrors uint64
	firstTime                                 time.Time
	firstUsage                                syscall.Rusage
}

func main() {
	if len(os.Args) < 2 || (os.Args[1] != "echo" && os.Args[1] != "sink") {
		fail(64, "say echo or sink first")
	}
	flags := flag.NewFlagSet("go-peer", flag.ExitOnError)
	listen := flags.String("listen", "", "`ADDR:PORT` to bind")
	duration := flags.Float64("duration", 0, "seconds to run; 0 runs until SIGTERM or SIGINT")
	flags.Bool("json", true, "the report is always JSON")
	flags.Parse(os.Args[2:])

	address, err := net.ResolveUDPAddr("udp4", *listen)
	if err != nil || *listen == "" {
		fail(64, "--listen "+*listen+": not ADDR:PORT")
	}
	connection, err := net.ListenUDP("udp4", address)
	if err != nil {
		fail(71, err.Error())
	}
	fmt.Println("listening on", connection.LocalAddr())

	go closeOnStop(connection, *duration)
	totals := receive(connection, os.Args[1] == "echo")
	report(totals)
}

// closeOnStop closes the socket, which ends the receive loop, on a signal or when the time is up.
func closeOnStop(connection *net.UDPConn, seconds float64) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	var timeout <-chan time.Time
	if seconds > 0 {
		timeout = time.After(time.Duration(seconds * float64(time.Second)))
	}
	select {
	case <-signals:
	case <-timeout:
	}
	connection.Close()
}

func receive(connection *net.UDPConn, echo bool) totals {
	var totals totals
	slot := make([]byte, slotBytes)
	for {
		count, peer, err := connection.ReadFromUDPAddrPort(slot)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return totals
			}
			continue
		}
		if totals.received == 0 {
			totals.firstTime = time.Now()
			syscall.Getrusage(syscall.RUSAGE_SELF, &totals.firstUsage)
		}
		totals.received++
		totals.bytesReceived += uint64(count)
		if !echo {
			continue
		}
		if _, err := connection.WriteToUDPAddrPort(slot[:count], peer); err != nil {
			totals.sendErrors++
		} else {
			totals.sent++
		}
	}
}

func report(totals totals) {
	usage, elapsed := totals.firstUsage, 0.0
	if totals.received > 0 {
		syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
		elapsed = time.Since(totals.firstTime).Seconds()
	}
	fmt.Printf(`{"received": %d, "sent": %d, "bytesReceived": %d, "sendErrors": %d, "seconds": %.6f, `+
		`"userSeconds": %.6f, "systemSeconds": %.6f, "cpuScope": "since first datagram"}`+"\n",
		totals.received, totals.sent, totals.bytesReceived, totals.sendErrors, elapsed,
		secondsBetween(totals.firstUsage.Utime, usage.Utime), secondsBetween(totals.firstUsage.Stime, usage.Stime))
}

func secondsBetween(from, to syscall.Timeval) float64 {
	return float64(to.Sec-from.Sec) + float64(to.Usec-from.Usec)*1e-6
}

func fail(status int, problem string) {
	fmt.Fprintln(os.Stderr, "go-peer:", problem)
	os.Exit(status)
}
