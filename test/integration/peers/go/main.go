// A client made of Go's net/http and golang.org/x/net/http2, driven by arguments: PROTOCOL URL SIZE. It uploads SIZE bytes to
// /sink and /echo, downloads SIZE bytes from /bytes, sends and reads trailers, and opens a hundred streams at a time. It
// prints one line a step and exits with status 1 at the first thing that is not as it must be.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

func fail(format string, args ...any) {
	fmt.Printf("FAILED "+format+"\n", args...)
	os.Exit(1)
}

func client(protocol string) *http.Client {
	if protocol == "h1" {
		return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	}
	return &http.Client{Transport: &http2.Transport{
		AllowHTTP: true,
		DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}}
}

// pattern yields size bytes without holding them.
type pattern struct {
	left  int64
	block []byte
}

func (p *pattern) Read(into []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := copy(into, p.block)
	if int64(n) > p.left {
		n = int(p.left)
	}
	p.left -= int64(n)
	return n, nil
}

func hashOf(from io.Reader) (int64, string) {
	hash := sha256.New()
	n, err := io.Copy(hash, from)
	if err != nil {
		fail("reading a body: %v after %d bytes", err, n)
	}
	return n, hex.EncodeToString(hash.Sum(nil))
}

func do(c *http.Client, request *http.Request) *http.Response {
	response, err := c.Do(request)
	if err != nil {
		fail("%s %s: %v", request.Method, request.URL.Path, err)
	}
	if response.StatusCode != 200 {
		fail("%s %s: status %d", request.Method, request.URL.Path, response.StatusCode)
	}
	return response
}

func main() {
	protocol, base := os.Args[1], os.Args[2]
	size, _ := strconv.ParseInt(os.Args[3], 10, 64)
	c := client(protocol)
	block := bytes.Repeat([]byte("0123456789abcdef"), 4096)

	begin := time.Now()
	sent := sha256.New()
	upload, _ := http.NewRequest("POST", base+"/sink", io.TeeReader(&pattern{size, block}, sent))
	upload.ContentLength = size
	response := do(c, upload)
	var sink struct {
		Bytes  int64
		Sha256 string
	}
	if err := json.NewDecoder(response.Body).Decode(&sink); err != nil {
		fail("answer of /sink: %v", err)
	}
	response.Body.Close()
	if sink.Bytes != size || sink.Sha256 != hex.EncodeToString(sent.Sum(nil)) {
		fail("upload: %d bytes arrived of %d, or another digest", sink.Bytes, size)
	}
	fmt.Printf("upload of %d bytes: %v\n", size, time.Since(begin).Round(time.Millisecond))

	begin = time.Now()
	download, _ := http.NewRequest("GET", fmt.Sprintf("%s/bytes/%d", base, size), nil)
	download.Header.Set("te", "trailers")
	response = do(c, download)
	n, digest := hashOf(response.Body)
	response.Body.Close()
	if n != size {
		fail("download: %d bytes of %d", n, size)
	}
	if response.Trailer.Get("x-sha256") != digest {
		fail("download: trailer x-sha256 is %q, not %s", response.Trailer.Get("x-sha256"), digest)
	}
	fmt.Printf("download of %d bytes: %v\n", size, time.Since(begin).Round(time.Millisecond))

	trailed, _ := http.NewRequest("POST", base+"/echo", &pattern{200_000, block})
	trailed.ContentLength = -1
	trailed.Trailer = http.Header{"X-Note": {"end"}}
	trailed.Header.Set("te", "trailers")
	response = do(c, trailed)
	_, digest = hashOf(response.Body)
	response.Body.Close()
	if response.Trailer.Get("x-echo-x-note") != "end" || response.Trailer.Get("x-sha256") != digest {
		fail("trailers of the echo: %v", response.Trailer)
	}
	fmt.Println("trailers both ways")

	var group sync.WaitGroup
	for i := 0; i < 100; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			body := bytes.Repeat([]byte{byte(i)}, 1000*(i+1))
			request, _ := http.NewRequest("POST", base+"/echo", bytes.NewReader(body))
			answer := do(c, request)
			got, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil || !bytes.Equal(got, body) {
				fail("stream %d: %v, %d bytes of %d", i, err, len(got), len(body))
			}
		}()
	}
	group.Wait()
	fmt.Println("100 streams at a time")
}
