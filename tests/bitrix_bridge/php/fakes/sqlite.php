<?php
/** The connection to an SQLite file, which accepts only MySQL's dialect. */

namespace Bitrix\Main\DB;

class SqliteConnection extends Connection
{
    /** A pattern of syntax that SQLite accepts and that MySQL rejects or interprets differently. */
    const NOT_MYSQL = '/"|\|\||\b(AUTOINCREMENT|PRAGMA|GLOB|WITHOUT\s+ROWID|ROWID|ON\s+CONFLICT|INSERT\s+OR|sqlite_\w+|'
        . 'pragma_\w+|typeof\s*\(|printf\s*\(|julianday\s*\(|strftime\s*\(|total\s*\()/i';

    private $locks = [];

    public function __construct()
    {
        $this->pdo = new \PDO('sqlite:' . getenv('FAKE_DATABASE'));
        $this->pdo->setAttribute(\PDO::ATTR_ERRMODE, \PDO::ERRMODE_EXCEPTION);
        $this->pdo->setAttribute(\PDO::ATTR_STRINGIFY_FETCHES, true);
        $this->pdo->exec('PRAGMA busy_timeout = 10000; PRAGMA synchronous = OFF');
        foreach (self::functions() as $name => $function) {
            $this->pdo->sqliteCreateFunction($name, $function);
        }
    }

    /** Return MySQL's functions that SQLite lacks. Their clock is that of the database, not that of PHP. */
    private static function functions()
    {
        $zone = new \DateTimeZone(getenv('FAKE_ZONE'));
        $now = function () use ($zone) {
            return (new \DateTime('now', $zone))->format('Y-m-d H:i:s');
        };
        $known = function (callable $function) {
            return function (...$values) use ($function) {
                return in_array(null, $values, true) ? null : $function(...$values);
            };
        };
        return [
            'NOW' => $now,
            'UNIX_TIMESTAMP' => function ($value = null) use ($zone) {
                $when = func_num_args() ? $value : 'now';
                return $when === null ? null : (new \DateTime($when, $zone))->getTimestamp();
            },
            'FROM_UNIXTIME' => $known(function ($seconds) use ($zone) {
                return (new \DateTime('@' . (int)$seconds))->setTimezone($zone)->format('Y-m-d H:i:s');
            }),
            'CONCAT' => $known(function (...$values) {
                return implode('', $values);
            }),
            'CONCAT_WS' => function ($separator, ...$values) {
                return implode($separator, array_filter($values, function ($value) {
                    return $value !== null;
                }));
            },
            'IF' => function ($condition, $then, $else) {
                return $condition ? $then : $else;
            },
            'CHAR_LENGTH' => $known('mb_strlen'),
            'MD5' => $known('md5'),
            'SHA1' => $known('sha1'),
            'CRC32' => $known('crc32'),
            'GREATEST' => $known('max'),
            'LEAST' => $known('min'),
        ];
    }

    protected function converter(array $column)
    {
        $type = $column['sqlite:decl_type'] ?? '';
        if ($type === 'datetime') {
            return [self::class, 'dateTime'];
        }
        if ($type === 'day') {
            return [self::class, 'date'];
        }
        if (preg_match('/^(?:decimal|double)(\d)$/', $type, $decimals)) {
            return function ($value) use ($decimals) {
                return number_format((float)$value, (int)$decimals[1], '.', '');
            };
        }
        return $type === 'double' ? function ($value) {
            return (string)(float)$value;
        } : null;
    }

    protected function translate($sql)
    {
        // Quoted strings are at the odd positions. They are not SQL, and SQLite has no escapes with a backslash.
        $parts = preg_split("/('(?:[^'\\\\]|\\\\.|'')*')/s", $sql, -1, PREG_SPLIT_DELIM_CAPTURE);
        $code = implode("''", array_filter($parts, function ($place) {
            return $place % 2 === 0;
        }, ARRAY_FILTER_USE_KEY));
        if (preg_match(self::NOT_MYSQL, $code, $found) || preg_match('/;\s*\S/', $code, $found)) {
            $near = 'You have an error in your SQL syntax near \'' . $found[0] . '\'';
            throw new SqlQueryException('Mysql query error', '(1064) ' . $near, $sql);
        }
        foreach ($parts as $place => $part) {
            $parts[$place] = $place % 2 ? self::literal($part) : self::inSqlite($part);
        }
        return self::withoutOptions(implode('', $parts));
    }

    private static function literal($text)
    {
        $inner = str_replace("''", "\\'", substr($text, 1, -1));
        $plain = preg_replace_callback('/\\\\(.)/s', function (array $escape) {
            $meanings = ['0' => "\0", 'n' => "\n", 'r' => "\r", 't' => "\t", 'b' => "\x08", 'Z' => "\x1a"];
            // A backslash before a wildcard is kept, for LIKE.
            return in_array($escape[1], ['%', '_'], true) ? $escape[0] : ($meanings[$escape[1]] ?? $escape[1]);
        }, $inner);
        return "'" . str_replace("'", "''", $plain) . "'";
    }

    private static function inSqlite($code)
    {
        return preg_replace(
            ['/\bCURRENT_TIMESTAMP\b(\(\))?/i', '/\bINSERT\s+IGNORE\b/i', '/\bFOR\s+UPDATE\b/i', '/\bFROM\s+DUAL\b/i'],
            ['NOW()', 'INSERT OR IGNORE', '', ''],
            $code
        );
    }

    /** Translate the definition of a table: auto-increment, keys and options. */
    private static function withoutOptions($sql)
    {
        if (!preg_match('/^\s*CREATE\s+TABLE\b/i', $sql)) {
            return $sql;
        }
        $sql = preg_replace('/\)\s*(ENGINE|DEFAULT|CHARSET|COLLATE)\b[^)]*$/i', ')', $sql);
        $sql = preg_replace('/,\s*(?:UNIQUE\s+)?(?:KEY|INDEX)\s+\w+\s*\([^)]*\)/i', '', $sql);
        if (preg_match('/\b(\w+)\s+INT(?:\(\d+\))?(?:\s+UNSIGNED)?\s+NOT\s+NULL\s+AUTO_INCREMENT\b/i', $sql, $found)) {
            $sql = str_replace($found[0], $found[1] . ' integer PRIMARY KEY AUTOINCREMENT', $sql);
            $sql = preg_replace('/,\s*PRIMARY\s+KEY\s*\([^)]*\)/i', '', $sql);
        }
        return $sql;
    }

    /**
     * Acquire a lock. It ends with its request, as a lock of MySQL ends with its connection. The same request may
     * acquire it again.
     */
    public function lock($name, $timeout = 0)
    {
        if (isset($this->locks[$name])) {
            $this->locks[$name][1]++;
            return true;
        }
        $file = fopen(getenv('FAKE_DATABASE') . '.' . md5($name) . '.lock', 'c');
        $until = microtime(true) + $timeout;
        while (!flock($file, LOCK_EX | LOCK_NB)) {
            if (microtime(true) >= $until) {
                return false;
            }
            usleep(2000);
        }
        $this->locks[$name] = [$file, 1];
        return true;
    }

    public function unlock($name)
    {
        if (!isset($this->locks[$name])) {
            return false;
        }
        if (--$this->locks[$name][1] === 0) {
            fclose($this->locks[$name][0]);
            unset($this->locks[$name]);
        }
        return true;
    }
}
