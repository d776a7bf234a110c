package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// bucketPatience is how long one request to an object store may take, its repetitions included.
	bucketPatience = time.Minute
	bucketRetries  = 3
)

// Bucket is a Place in an object store that speaks S3.
type Bucket struct {
	client         *minio.Client
	bucket, prefix string // the prefix is empty or ends with a slash
}

// IsBucket tells whether a place is a bucket: s3://BUCKET or s3://BUCKET/PREFIX.
func IsBucket(place string) bool { return strings.HasPrefix(place, "s3://") }

// OpenBucket takes endpoint, region and credentials from the environment, as all tools for S3 do.
// It contacts nobody yet.
func OpenBucket(place string) (*Bucket, error) {
	at, err := url.Parse(place)
	if err != nil || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" {
		return nil, fmt.Errorf("%q is no bucket, want s3://BUCKET or s3://BUCKET/PREFIX", place)
	}
	b := &Bucket{bucket: at.Host}
	if prefix := strings.Trim(at.Path, "/"); prefix != "" {
		b.prefix = prefix + "/"
	}
	endpoint, err := endpoint()
	if err != nil {
		return nil, err
	}
	if firstOf("AWS_ACCESS_KEY_ID") == "" || firstOf("AWS_SECRET_ACCESS_KEY") == "" {
		return nil, errors.New("the environment has no credentials\nhint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	region := firstOf("AWS_REGION", "AWS_DEFAULT_REGION")
	if region == "" {
		region = "us-east-1" // what a store without regions takes
	}
	b.client, err = minio.New(endpoint.Host, &minio.Options{
		Creds: credentials.NewEnvAWS(), Secure: endpoint.Scheme == "https", Region: region, MaxRetries: bucketRetries,
	})
	return b, err
}

func firstOf(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

func endpoint() (*url.URL, error) {
	text := firstOf("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
	if text == "" {
		text = "https://s3.amazonaws.com"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("AWS_ENDPOINT_URL %q, want https://HOST", text)
	}
	return u, nil
}

// missing turns the store's word for it into fs.ErrNotExist.
func missing(err error) error {
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

// headers are what caches and doors should hear of a file.
func headers(name string) (contentType, cacheControl string) {
	if name == manifestName {
		return "application/cose", "no-cache"
	}
	return "application/octet-stream", "public, max-age=31536000, immutable"
}

// Get implements Place.
func (b *Bucket) Get(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, bucketPatience)
	defer cancel()
	object, err := b.client.GetObject(ctx, b.bucket, b.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, missing(err)
	}
	defer object.Close()
	data, err := io.ReadAll(io.LimitReader(object, maxFile))
	return data, missing(err)
}

// Put implements Place: an object store shows a whole object or the one before.
func (b *Bucket) Put(ctx context.Context, name string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, bucketPatience)
	defer cancel()
	kind, cache := headers(name)
	_, err := b.client.PutObject(ctx, b.bucket, b.prefix+name, bytes.NewReader(data), int64(len(data)),
		minio.PutObjectOptions{ContentType: kind, CacheControl: cache, DisableMultipart: true})
	if err != nil {
		return fmt.Errorf("write %q to bucket %q: %w", b.prefix+name, b.bucket, err)
	}
	return nil
}

// Touch implements Place. It writes the object again: not every store makes one new that is copied
// onto itself.
func (b *Bucket) Touch(ctx context.Context, name string) error {
	data, err := b.Get(ctx, name)
	if err != nil {
		return err
	}
	return b.Put(ctx, name, data)
}

// List implements Place.
func (b *Bucket) List(ctx context.Context, prefix string) ([]File, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all []File
	options := minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}
	for o := range b.client.ListObjects(ctx, b.bucket, options) {
		if o.Err != nil {
			return nil, o.Err
		}
		all = append(all, File{strings.TrimPrefix(o.Key, b.prefix), o.LastModified})
	}
	return all, nil
}

// Delete implements Place.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, bucketPatience)
	defer cancel()
	return b.client.RemoveObject(ctx, b.bucket, b.prefix+name, minio.RemoveObjectOptions{})
}
