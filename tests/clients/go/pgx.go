// pgx.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
)

func check(name string, action func() (any, error)) {
	result, err := action()
	text := fmt.Sprintf("%v", result)
	if err != nil {
		text = err.Error()
		if known, ok := err.(*pgconn.PgError); ok {
			text = fmt.Sprintf("%s %s at %d", known.Code, known.Message, known.Position)
		}
	}
	fmt.Printf("%s\t%s\n", name, strings.ReplaceAll(text, "\n", " | "))
}

func main() {
	background := context.Background()
	for _, simple := range []bool{false, true} {
		config, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%s user=%s database=%s sslmode=disable", os.Getenv("PGHOST"), os.Getenv("PGPORT"), os.Getenv("PGUSER"), os.Getenv("PGDATABASE")))
		if err != nil {
			panic(err)
		}
		config.PreferSimpleProtocol = simple
		connection, err := pgx.ConnectConfig(background, config)
		if err != nil {
			panic(err)
		}
		mode := map[bool]string{false: "extended: ", true: "simple: "}[simple]
		rows := func(query string, values ...any) (any, error) {
			result, err := connection.Query(background, query, values...)
			if err != nil {
				return nil, err
			}
			defer result.Close()
			all := []string{}
			for result.Next() {
				cells, err := result.Values()
				if err != nil {
					return nil, err
				}
				all = append(all, fmt.Sprintf("%v", cells))
			}
			return all, result.Err()
		}
		check(mode+"types", func() (any, error) {
			return rows("SELECT id, ts, name, val, ok, d, amount, t, ts0, u, b, r, s, n FROM events ORDER BY id LIMIT 2")
		})
		check(mode+"parameters", func() (any, error) {
			return rows("SELECT total FROM orders WHERE order_id = $1 AND user_id = $2", 5, 6)
		})
		check(mode+"arrays", func() (any, error) {
			return rows("SELECT order_id FROM orders WHERE order_id = ANY($1::int[]) ORDER BY 1", []int32{1, 2})
		})
		check(mode+"time", func() (any, error) {
			return rows("SELECT count(*) FROM events WHERE ts > $1", time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))
		})
		check(mode+"batch", func() (any, error) {
			batch := &pgx.Batch{}
			for i := 1; i <= 3; i++ {
				batch.Queue("SELECT total::text FROM orders WHERE order_id = $1", i)
			}
			results := connection.SendBatch(background, batch)
			defer results.Close()
			all := []string{}
			for i := 0; i < 3; i++ {
				var total string
				if err := results.QueryRow().Scan(&total); err != nil {
					return nil, err
				}
				all = append(all, total)
			}
			return all, nil
		})
		check(mode+"copy", func() (any, error) {
			var out bytes.Buffer
			_, err := connection.PgConn().CopyTo(background, &out, "COPY (SELECT * FROM orders ORDER BY 1 LIMIT 2) TO STDOUT")
			return out.String(), err
		})
		check(mode+"ping", func() (any, error) { return "answered", connection.Ping(background) })
		check(mode+"transaction", func() (any, error) {
			tx, err := connection.BeginTx(background, pgx.TxOptions{AccessMode: pgx.ReadOnly})
			if err != nil {
				return nil, err
			}
			nested, err := tx.Begin(background)
			if err != nil {
				return nil, err
			}
			var n int
			err = nested.QueryRow(background, "SELECT count(*) FROM orders").Scan(&n)
			if err == nil {
				err = nested.Rollback(background)
			}
			if err == nil {
				err = tx.Commit(background)
			}
			return n, err
		})
		check(mode+"error", func() (any, error) { return rows("SELECT totl FROM orders") })
		check(mode+"prepared", func() (any, error) {
			description, err := connection.Prepare(background, "p", "SELECT order_id, total FROM orders WHERE order_id = $1")
			if err != nil {
				return nil, err
			}
			return fmt.Sprint(description.ParamOIDs, description.Fields[1].DataTypeOID, description.Fields[1].TableAttributeNumber), nil
		})
		connection.Close(background)
	}
}
