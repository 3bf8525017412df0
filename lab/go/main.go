// The lab's caller and microservice in Go, over golang.org/x/net/http2 without TLS. Built twice: with the library of June 2021,
// which holds a connection's locks while it writes (old.mod), and with the current one (go.mod).
//
//	lab caller JSON   steady requests; a line of JSON per result; commands as lines of JSON on standard input
//	lab service JSON  an HTTP/1.1 server that calls the next hop over HTTP/2 for each request
//
// It ends when standard input ends. The fields of both JSON arguments and of the lines are those of peer-client.ts and peer-service.ts.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

type result struct {
	Kind   string `json:"kind"`
	Start  int64  `json:"start"`
	End    int64  `json:"end"`
	Status int    `json:"status"`
	Body   string `json:"body"`
}

type callerOptions struct {
	Host           string  `json:"host"`
	Port           int     `json:"port"`
	Authority      string  `json:"authority"`
	GetsPerSecond  float64 `json:"getsPerSecond"`
	PostsPerSecond float64 `json:"postsPerSecond"`
	PostBytes      int64   `json:"postBytes"`
	Deadline       int64   `json:"deadline"`
}

type serviceOptions struct {
	Host   string `json:"host"`
	Port   int    `json:"port"`
	Target struct {
		Host      string `json:"host"`
		Port      int    `json:"port"`
		Authority string `json:"authority"`
	} `json:"target"`
	Deadline int64 `json:"deadline"`
}

// Header bytes of a GET that HPACK cannot make smaller, as cookies and tokens are: about the size of the report's requests.
const headerBytes = 600

var filler = func() string {
	text := make([]byte, headerBytes)
	state := uint32(1)
	for i := range text {
		state = state*1664525 + 1013904223
		text[i] = "abcdefghijklmnopqrstuvwxyz012345"[state>>27]
	}
	return string(text)
}()

func http2Client(deadline int64) *http.Client {
	return &http.Client{
		Timeout: time.Duration(deadline) * time.Millisecond,
		Transport: &http2.Transport{
			AllowHTTP: true,
			// The signature that both versions of the library have.
			DialTLS: func(network, address string, _ *tls.Config) (net.Conn, error) {
				return net.DialTimeout(network, address, 2*time.Second)
			},
		},
	}
}

type zeros struct{ left int64 }

func (z *zeros) Read(into []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := len(into)
	if int64(n) > z.left {
		n = int(z.left)
	}
	z.left -= int64(n)
	return n, nil
}

type caller struct {
	options callerOptions
	client  *http.Client
	lock    sync.Mutex
	next    int64
	out     map[int64]time.Time
}

func (c *caller) say(line any) {
	text, _ := json.Marshal(line)
	c.lock.Lock()
	fmt.Println(string(text))
	c.lock.Unlock()
}

func (c *caller) call(kind string, bytes int64) {
	start := time.Now()
	c.lock.Lock()
	id := c.next
	c.next++
	c.out[id] = start
	c.lock.Unlock()
	status, body := c.do(kind, bytes)
	c.lock.Lock()
	delete(c.out, id)
	c.lock.Unlock()
	c.say(result{kind, start.UnixMilli(), time.Now().UnixMilli(), status, body})
}

func (c *caller) do(kind string, bytes int64) (int, string) {
	method, path := "POST", "/"+strings.ToLower(kind)
	var from io.Reader
	if kind == "GET" {
		method = "GET"
	} else {
		from = &zeros{bytes}
	}
	request, err := http.NewRequest(method, fmt.Sprintf("http://%s:%d%s", c.options.Host, c.options.Port, path), from)
	if err != nil {
		return 0, err.Error()
	}
	request.Host = c.options.Authority
	request.Header.Set("x-filler", filler)
	if from != nil {
		request.ContentLength = bytes
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
	return response.StatusCode, string(body)
}

func (c *caller) every(perSecond float64, kind string, bytes int64) {
	if perSecond <= 0 {
		return
	}
	for range time.Tick(time.Duration(float64(time.Second) / perSecond)) {
		go c.call(kind, bytes)
	}
}

func (c *caller) report() {
	for range time.Tick(500 * time.Millisecond) {
		c.lock.Lock()
		var oldest time.Duration
		for _, start := range c.out {
			if age := time.Since(start); age > oldest {
				oldest = age
			}
		}
		out := len(c.out)
		c.lock.Unlock()
		c.say(map[string]int64{"outstanding": int64(out), "oldest": oldest.Milliseconds()})
	}
}

func runCaller(options callerOptions) {
	c := &caller{options: options, client: http2Client(options.Deadline), out: map[int64]time.Time{}}
	go c.every(options.GetsPerSecond, "GET", 0)
	go c.every(options.PostsPerSecond, "POST", options.PostBytes)
	go c.report()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var command struct {
			Upload int64 `json:"upload"`
		}
		if json.Unmarshal(lines.Bytes(), &command) == nil && command.Upload > 0 {
			go c.call("UPLOAD", command.Upload)
		}
	}
}

func runService(options serviceOptions) {
	client := http2Client(options.Deadline)
	base := fmt.Sprintf("http://%s:%d", options.Target.Host, options.Target.Port)
	handler := func(out http.ResponseWriter, in *http.Request) {
		request, err := http.NewRequest(in.Method, base+in.URL.Path, in.Body)
		if err != nil {
			http.Error(out, err.Error(), 500)
			return
		}
		request.Host = options.Target.Authority
		request.ContentLength = in.ContentLength
		request.Header.Set("x-filler", filler)
		response, err := client.Do(request)
		if err != nil {
			http.Error(out, "service: "+err.Error(), 500)
			return
		}
		defer response.Body.Close()
		out.WriteHeader(response.StatusCode)
		_, _ = io.Copy(out, response.Body)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", options.Host, options.Port))
	if err != nil {
		fail(err)
	}
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
	fail(http.Serve(listener, http.HandlerFunc(handler)))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: lab caller|service JSON"))
	}
	argument := []byte(os.Args[2])
	switch os.Args[1] {
	case "caller":
		var options callerOptions
		if err := json.Unmarshal(argument, &options); err != nil {
			fail(err)
		}
		runCaller(options)
	case "service":
		var options serviceOptions
		if err := json.Unmarshal(argument, &options); err != nil {
			fail(err)
		}
		runService(options)
	default:
		fail(fmt.Errorf("%s is neither caller nor service", os.Args[1]))
	}
}
