package oapi

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"reflect"
	"slices"
	"strings"

	"github.com/featherhq/feather-go/internal/json"
)

// File is feather.File.
type File struct {
	// Name is the name of the file; by default that of the form's field.
	Name string

	// ContentType is its media type; application/octet-stream by default.
	ContentType string

	// Reader is the content. It is closed after the request if it is an io.Closer.
	Reader io.Reader

	// Open returns the content for each time that the request is sent, in place of Reader.
	Open func() (io.ReadCloser, error)
}

// MarshalJSON fails: JSON has no files.
func (f File) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a File is only for multipart/form-data")
}

// part is a piece of a multipart body: text, or a file.
type part struct {
	open func() (io.ReadCloser, error)
	once bool // the content can be read only once
}

func partOf(f File) part {
	if f.Open != nil {
		return part{open: f.Open}
	}
	body, isCloser := f.Reader.(io.ReadCloser)
	r, ok := f.Reader.(interface {
		io.ReaderAt
		io.Seeker
		Size() int64
	})
	if !ok || isCloser {
		if !isCloser {
			body = io.NopCloser(f.Reader)
		}
		return part{func() (io.ReadCloser, error) { return body, nil }, true}
	}
	start, err := r.Seek(0, io.SeekCurrent)
	return part{open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(r, start, r.Size()-start)), err
	}}
}

// Multipart sets a body of multipart/form-data, with a part for each field of a struct. A
// list has a part for each item, and an object is sent as JSON.
func (r *Request) Multipart(_ string, body any) *Request {
	var text bytes.Buffer
	w := multipart.NewWriter(&text)
	var parts []part
	flush := func() {
		written := text.String()
		text.Reset()
		parts = append(parts, partOf(File{Reader: strings.NewReader(written)}))
	}
	for name, value := range json.Fields(body) {
		for _, item := range itemsOf(value) {
			file, isFile := item.Interface().(File)
			if !isFile {
				r.fail(writeField(w, name, item))
				continue
			}
			if file.Reader == nil && file.Open == nil {
				r.fail(fmt.Errorf("the file %s has neither a Reader nor Open", name))
			}
			_, _ = w.CreatePart(fileHeader(name, file))
			flush()
			parts = append(parts, partOf(file))
		}
	}
	_ = w.Close()
	flush()
	open := func() (io.ReadCloser, error) { return assemble(parts) }
	if !slices.ContainsFunc(parts, func(p part) bool { return p.once }) {
		r.getBody = open
	}
	if r.err == nil {
		content, err := open()
		if err == nil {
			return r.Body(w.FormDataContentType(), content)
		}
		r.fail(fmt.Errorf("the request body cannot be opened: %w", err))
	}
	for _, p := range parts {
		if p.once {
			body, _ := p.open() // which never fails
			_ = body.Close()
		}
	}
	return r
}

var escapeQuotes = strings.NewReplacer("\\", "\\\\", `"`, "%22", "\r", "%0D", "\n", "%0A")

func fileHeader(name string, file File) textproto.MIMEHeader {
	return textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="%s"`,
			escapeQuotes.Replace(name), escapeQuotes.Replace(cmp.Or(file.Name, name)))},
		"Content-Type": {oneLine(cmp.Or(file.ContentType, "application/octet-stream"))},
	}
}

func oneLine(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }

// itemsOf returns the values that one field sends.
func itemsOf(v reflect.Value) []reflect.Value {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() == reflect.Uint8 {
		return []reflect.Value{v}
	}
	var items []reflect.Value
	for i := range v.Len() {
		items = append(items, v.Index(i))
	}
	return items
}

// writeField writes a string as it is, and all else as JSON.
func writeField(w *multipart.Writer, name string, value reflect.Value) error {
	data, err := json.Marshal(value.Interface())
	if err != nil {
		return fmt.Errorf("the field %s cannot be encoded: %w", name, err)
	}
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	return w.WriteField(name, text)
}

// content is a body that closes its files.
type content struct {
	io.Reader
	files []io.ReadCloser
}

func (c content) Close() error {
	var all []error
	for _, file := range c.files {
		all = append(all, file.Close())
	}
	return errors.Join(all...)
}

func assemble(parts []part) (io.ReadCloser, error) {
	var c content
	var readers []io.Reader
	for _, p := range parts {
		file, err := p.open()
		if err != nil {
			_ = c.Close()
			return nil, err
		}
		c.files, readers = append(c.files, file), append(readers, file)
	}
	c.Reader = io.MultiReader(readers...)
	return c, nil
}
