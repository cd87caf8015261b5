<?php
/** Bitrix's connection, as a fake: what it adds to a statement, what it refuses, and the types of its values. */

namespace Bitrix\Main\DB;

use Bitrix\Main\Type;

class Exception extends \Bitrix\Main\SystemException
{
}

class SqlException extends Exception
{
    private $databaseMessage;

    public function __construct($message = '', $databaseMessage = '', $previous = null)
    {
        parent::__construct($databaseMessage === '' ? $message : $message . ': ' . $databaseMessage);
        $this->databaseMessage = $databaseMessage;
    }

    public function getDatabaseMessage()
    {
        return $this->databaseMessage;
    }
}

class SqlQueryException extends SqlException
{
    private $query;

    public function __construct($message = '', $databaseMessage = '', $query = '')
    {
        parent::__construct($message, $databaseMessage);
        $this->query = $query;
    }

    public function getQuery()
    {
        return $this->query;
    }
}

/** A result in which dates are objects. All other values are strings, as the database sends them. */
class Result
{
    private $statement;
    private $converters;

    public function __construct(\PDOStatement $statement, array $converters)
    {
        $this->statement = $statement;
        $this->converters = $converters;
    }

    public function fetchRaw()
    {
        return $this->statement->columnCount() ? $this->statement->fetch(\PDO::FETCH_ASSOC) : false;
    }

    public function fetch()
    {
        $row = $this->fetchRaw();
        foreach ($row ? $this->converters : [] as $column => $convert) {
            $row[$column] = $row[$column] === null ? null : $convert($row[$column]);
        }
        return $row;
    }

    public function fetchAll()
    {
        for ($rows = []; $row = $this->fetch();) {
            $rows[] = $row;
        }
        return $rows;
    }
}

class SqlHelper
{
    /** Cut a string to the maximum number of characters, then escape it. The caller adds the quotes. */
    public function forSql($value, $maxLength = 0)
    {
        $value = (string)($maxLength > 0 ? mb_substr((string)$value, 0, $maxLength) : $value);
        return strtr($value, [
            '\\' => '\\\\', "\0" => '\\0', "\n" => '\\n', "\r" => '\\r', "'" => "\\'", '"' => '\\"', "\x1a" => '\\Z',
        ]);
    }

    public function quote($identifier)
    {
        return '`' . str_replace('`', '', $identifier) . '`';
    }

    public function getTopSql($sql, $limit, $offset = 0)
    {
        $offset = (int)$offset;
        $limit = (int)$limit;
        if ($offset > 0 && $limit <= 0) {
            throw new \Bitrix\Main\ArgumentException('Limit must be set if offset is set');
        }
        return $limit > 0 ? $sql . "\nLIMIT " . $offset . ', ' . $limit . "\n" : $sql;
    }

    public function getCurrentDateTimeFunction()
    {
        return 'NOW()';
    }
}

abstract class Connection
{
    protected $pdo;
    private $affected = 0;
    private $fields = [];
    private $helper;

    /** Open the database that the environment variables name. */
    public static function open()
    {
        return getenv('FAKE_ENGINE') === 'mariadb' ? new MysqlConnection() : new SqliteConnection();
    }

    /** Return a converter for the values of a column, or null if the values are not converted. */
    abstract protected function converter(array $column);

    abstract public function lock($name, $timeout = 0);

    abstract public function unlock($name);

    /** Translate a statement into the dialect of this database. */
    protected function translate($sql)
    {
        return $sql;
    }

    /**
     * Run a query. The arguments are (sql), (sql, limit) or (sql, offset, limit), each with an optional array of binds
     * after sql.
     */
    public function query($sql)
    {
        $arguments = array_slice(func_get_args(), 1);
        if (isset($arguments[0]) && is_array($arguments[0])) {
            array_shift($arguments);
        } elseif (array_key_exists(0, $arguments) && $arguments[0] === null) {
            array_shift($arguments);
        }
        $limit = $arguments ? end($arguments) : 0;
        $offset = count($arguments) > 1 ? $arguments[0] : 0;
        return $this->run($limit > 0 ? $this->getSqlHelper()->getTopSql($sql, $limit, $offset) : $sql);
    }

    public function queryScalar($sql, $binds = null)
    {
        $row = $this->query($sql, (array)$binds, 0, 1)->fetch();
        return is_array($row) ? array_shift($row) : null;
    }

    public function queryExecute($sql, $binds = null)
    {
        $this->query($sql, (array)$binds);
    }

    private function run($sql)
    {
        // One byte is written for each statement, because a test reads the length of the file.
        file_put_contents(getenv('FAKE_STATEMENTS'), '.', FILE_APPEND);
        try {
            $statement = $this->pdo->query($this->translate($sql));
        } catch (\PDOException $error) {
            throw self::refusal($error, $sql);
        }
        $this->affected = $statement->rowCount();
        $converters = [];
        for ($i = 0; $i < $statement->columnCount(); $i++) {
            $column = $statement->getColumnMeta($i);
            $converters[$column['name']] = $this->converter($column);
        }
        return new Result($statement, array_filter($converters));
    }

    private static function refusal(\PDOException $error, $sql)
    {
        $info = $error->errorInfo ?: ['', $error->getCode(), $error->getMessage()];
        return new SqlQueryException('Mysql query error', '(' . $info[1] . ') ' . $info[2], $sql);
    }

    /** Return the fields of a table. They are cached for the lifetime of the connection, even if the table changes. */
    public function getTableFields($table)
    {
        if (!isset($this->fields[$table])) {
            try {
                $statement = $this->pdo->query('SELECT * FROM ' . $this->getSqlHelper()->quote($table) . ' LIMIT 0');
            } catch (\PDOException $error) {
                throw self::refusal($error, $table);
            }
            $this->fields[$table] = [];
            for ($i = 0; $i < $statement->columnCount(); $i++) {
                $column = $statement->getColumnMeta($i)['name'];
                $this->fields[$table][$column] = new \Bitrix\Main\ORM\Fields\ScalarField($column);
            }
        }
        return $this->fields[$table];
    }

    public function getAffectedRowsCount()
    {
        return $this->affected;
    }

    public function getInsertedId()
    {
        return $this->pdo->lastInsertId();
    }

    public function getSqlHelper()
    {
        return $this->helper = $this->helper ?: new SqlHelper();
    }

    public function isTableExists($table)
    {
        try {
            $this->getTableFields($table);
            return true;
        } catch (SqlQueryException $error) {
            return false;
        }
    }

    public function startTransaction()
    {
        $this->pdo->beginTransaction();
    }

    public function commitTransaction()
    {
        $this->pdo->commit();
    }

    public function rollbackTransaction()
    {
        $this->pdo->rollBack();
    }

    // Functions for the other fake Bitrix classes

    /** Insert a row, or update these columns of the row with this id. Return the id. */
    public function put($table, array $fields, $id = null)
    {
        $columns = array_map([$this->getSqlHelper(), 'quote'], array_keys($fields));
        $sql = $id === null
            ? "INSERT INTO `$table` (" . implode(', ', $columns) . ') VALUES (' . self::marks($columns) . ')'
            : "UPDATE `$table` SET " . implode(' = ?, ', $columns) . ' = ? WHERE ID = ' . (int)$id;
        $this->change($sql, array_values($fields));
        return $id === null ? (int)$this->pdo->lastInsertId() : (int)$id;
    }

    public function change($sql, array $values = [])
    {
        try {
            $statement = $this->pdo->prepare($sql);
            $statement->execute(array_map([self::class, 'stored'], $values));
        } catch (\PDOException $error) {
            throw self::refusal($error, $sql);
        }
        return $statement->rowCount();
    }

    /** Return all rows. Each `?` is replaced by a value. */
    public function all($sql, array $values = [])
    {
        foreach ($values as $value) {
            $quoted = is_int($value) ? (string)$value : "'" . $this->getSqlHelper()->forSql($value) . "'";
            $sql = substr_replace($sql, $quoted, strpos($sql, '?'), 1);
        }
        return $this->query($sql)->fetchAll();
    }

    public function one($sql, array $values = [])
    {
        return $this->all($sql, $values)[0] ?? null;
    }

    private static function marks(array $columns)
    {
        return implode(', ', array_fill(0, count($columns), '?'));
    }

    /** Return a value as it is stored. Bitrix writes a date in the time zone of PHP, not in that of the database. */
    private static function stored($value)
    {
        if ($value instanceof Type\Date) {
            return $value->format($value instanceof Type\DateTime ? 'Y-m-d H:i:s' : 'Y-m-d');
        }
        return is_bool($value) ? (int)$value : $value;
    }

    public static function dateTime($value)
    {
        return strpos($value, '0000-00-00') === 0 ? null : new Type\DateTime($value, 'Y-m-d H:i:s');
    }

    public static function date($value)
    {
        return strpos($value, '0000-00-00') === 0 ? null : new Type\Date($value, 'Y-m-d');
    }
}
