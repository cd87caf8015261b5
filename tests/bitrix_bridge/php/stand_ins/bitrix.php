<?php
/**
 * Stand-ins for the parts of Bitrix that the site's PHP uses: just these, with the semantics that matter.
 *
 * A change of the same value is none; VERSION grows with each real change; OnSaleOrderSaved fires after everything is
 * stored; a status is not checked; a date encodes to {}; jobs run on FinalActions only; a handler that throws breaks
 * the save. The state is an SQLite file that all requests share.
 */

namespace Bitrix\Main\DB {
    class SqlException extends \Exception
    {
    }

    class SqlQueryException extends SqlException
    {
    }

    class Result
    {
        private $statement;
        private $dates = [];

        public function __construct(\PDOStatement $statement)
        {
            $this->statement = $statement;
            for ($i = 0; $i < $statement->columnCount(); $i++) {
                $meta = $statement->getColumnMeta($i);
                if (($meta['sqlite:decl_type'] ?? '') === 'datetime') {
                    $this->dates[] = $meta['name'];
                }
            }
        }

        public function fetch()
        {
            $row = $this->statement->fetch(\PDO::FETCH_ASSOC);
            foreach ($row ? $this->dates : [] as $column) {
                $row[$column] = $row[$column] === null ? null : new \Bitrix\Main\Type\DateTime($row[$column]);
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
        public function forSql($value, $maxLength = 0)
        {
            return str_replace("'", "''", $maxLength > 0 ? mb_substr($value, 0, $maxLength) : $value);
        }
    }

    class Connection
    {
        public $pdo;
        private $affected = 0;
        private $locks = [];

        public function __construct()
        {
            $this->pdo = new \PDO('sqlite:' . getenv('STAND_IN_DATABASE'));
            $this->pdo->setAttribute(\PDO::ATTR_ERRMODE, \PDO::ERRMODE_EXCEPTION);
            $this->pdo->setAttribute(\PDO::ATTR_STRINGIFY_FETCHES, true);
            $this->pdo->exec('PRAGMA busy_timeout = 10000; PRAGMA synchronous = OFF');
        }

        public function query($sql)
        {
            try {
                return new Result($this->pdo->query($sql));
            } catch (\PDOException $error) {
                throw new SqlQueryException($error->getMessage());
            }
        }

        public function queryScalar($sql)
        {
            $row = $this->query($sql)->fetch();
            return $row ? reset($row) : null;
        }

        public function queryExecute($sql)
        {
            if (strpos($sql, 'CREATE TABLE') === 0) {
                $sql = str_replace('ID INT NOT NULL AUTO_INCREMENT', 'ID integer PRIMARY KEY AUTOINCREMENT', $sql);
                $sql = preg_replace('/, PRIMARY KEY \(ID\).*$/', ')', $sql);
            }
            try {
                $this->affected = (int)$this->pdo->exec($sql);
            } catch (\PDOException $error) {
                throw new SqlQueryException($error->getMessage());
            }
        }

        public function getTableFields($table)
        {
            return array_column($this->query("SELECT name FROM pragma_table_info('$table')")->fetchAll(), 'name', 'name');
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
            return new SqlHelper();
        }

        /** A lock dies with its request, as MySQL's does with its connection. */
        public function lock($name, $timeout = 0)
        {
            $file = fopen(getenv('STAND_IN_DATABASE') . '.' . md5($name) . '.lock', 'c');
            $until = microtime(true) + $timeout;
            while (!flock($file, LOCK_EX | LOCK_NB)) {
                if (microtime(true) >= $until) {
                    return false;
                }
                usleep(2000);
            }
            $this->locks[$name] = $file;
            return true;
        }

        public function unlock($name)
        {
            fclose($this->locks[$name]);
            unset($this->locks[$name]);
            return true;
        }

        /** For the other stand-ins. */
        public function put($table, array $fields, $id = null)
        {
            $columns = array_keys($fields);
            $quoted = array_map(function ($column) {
                return '"' . $column . '"';
            }, $columns);
            $sql = $id === null
                ? "INSERT INTO $table (" . implode(', ', $quoted) . ') VALUES (' . rtrim(str_repeat('?, ', count($columns)), ', ') . ')'
                : "UPDATE $table SET " . implode(' = ?, ', $quoted) . ' = ? WHERE ID = ' . (int)$id;
            $values = array_map(function ($value) {
                return $value instanceof \Bitrix\Main\Type\Date ? $value->format('Y-m-d H:i:s') : $value;
            }, array_values($fields));
            $this->pdo->prepare($sql)->execute($values);
            return $id === null ? (int)$this->pdo->lastInsertId() : (int)$id;
        }
    }
}

namespace Bitrix\Main\Type {
    class Date
    {
        /** Protected, without JsonSerializable: json_encode makes {} of it. */
        protected $value;

        public function __construct($value = null)
        {
            $this->value = new \DateTime($value === null ? 'now' : $value);
        }

        public function format($format)
        {
            return $this->value->format($format);
        }
    }

    class DateTime extends Date
    {
    }
}

namespace Bitrix\Main\Config {
    class Option
    {
        public static function get($module, $name, $default = '')
        {
            $row = self::find($module, $name);
            return $row ? $row['VALUE'] : $default;
        }

        public static function set($module, $name, $value)
        {
            self::delete($module, ['name' => $name]);
            $connection = \Bitrix\Main\Application::getConnection();
            $connection->put('b_option', ['MODULE_ID' => $module, 'NAME' => $name, 'VALUE' => $value]);
        }

        public static function delete($module, array $filter)
        {
            $where = " WHERE MODULE_ID = '$module' AND NAME = '" . $filter['name'] . "'";
            \Bitrix\Main\Application::getConnection()->queryExecute('DELETE FROM b_option' . $where);
        }

        private static function find($module, $name)
        {
            $sql = "SELECT VALUE FROM b_option WHERE MODULE_ID = '$module' AND NAME = '$name'";
            return \Bitrix\Main\Application::getConnection()->query($sql)->fetch();
        }
    }
}

namespace Bitrix\Main\Web {
    class HttpHeaders
    {
        private $lines;

        public function __construct(array $lines)
        {
            $this->lines = $lines;
        }

        public function get($name)
        {
            foreach ($this->lines as $line) {
                if (stripos($line, $name . ':') === 0) {
                    return trim(substr($line, strlen($name) + 1));
                }
            }
            return null;
        }
    }

    class HttpClient
    {
        private $options;
        private $headers = [];
        private $status = 0;
        private $error = [];
        private $answerHeaders = [];

        public function __construct(array $options = null)
        {
            // As in Bitrix, `redirect` without `redirectMax` is an undefined index.
            $options['redirectMax'];
            $this->options = $options;
        }

        public function setHeader($name, $value, $replace = true)
        {
            $this->headers[$name] = $name . ': ' . $value;
        }

        public function post($url, $data = null)
        {
            if (defined('STAND_IN_NETWORK_THROWS')) {
                throw new \RuntimeException('the network is on fire');
            }
            if (is_array($data)) {
                $data = http_build_query($data);
            }
            $context = stream_context_create(['http' => [
                'method' => 'POST',
                'content' => $data,
                'header' => array_values($this->headers),
                'timeout' => $this->options['streamTimeout'],
                'ignore_errors' => true,
                'follow_location' => $this->options['redirect'] ? 1 : 0,
            ]]);
            $body = @file_get_contents($url, false, $context);
            $this->answerHeaders = isset($http_response_header) ? $http_response_header : [];
            if ($body === false || !$this->answerHeaders) {
                $this->error = ['CONNECTION' => 'no answer'];
                return false;
            }
            $this->status = (int)explode(' ', $this->answerHeaders[0])[1];
            return $body;
        }

        public function getStatus()
        {
            return $this->status;
        }

        public function getError()
        {
            return $this->error;
        }

        public function getHeaders()
        {
            return new HttpHeaders($this->answerHeaders);
        }
    }
}

namespace Bitrix\Main {
    class ArgumentOutOfRangeException extends \Exception
    {
    }

    class NotImplementedException extends \Exception
    {
    }

    class Error
    {
        private $message;

        public function __construct($message)
        {
            $this->message = $message;
        }

        public function getMessage()
        {
            return $this->message;
        }
    }

    class Result
    {
        private $errors = [];

        public function addError(Error $error)
        {
            $this->errors[] = $error;
            return $this;
        }

        public function isSuccess()
        {
            return !$this->errors;
        }

        public function getErrorMessages()
        {
            return array_map(function (Error $error) {
                return $error->getMessage();
            }, $this->errors);
        }
    }

    class Event
    {
        private $name;
        private $parameters;

        public function __construct($module, $name, array $parameters)
        {
            $this->name = $module . ':' . $name;
            $this->parameters = $parameters;
        }

        public function getParameter($key)
        {
            return $this->parameters[$key] ?? null;
        }

        public function send()
        {
            foreach (EventManager::getInstance()->handlers[$this->name] ?? [] as $handler) {
                $handler['old'] ? $handler['do'](...array_values($this->parameters)) : $handler['do']($this);
            }
        }
    }

    class EventManager
    {
        private static $instance;
        public $handlers = [];

        public static function getInstance()
        {
            return self::$instance = self::$instance ?: new self();
        }

        public function addEventHandler($module, $event, $callback)
        {
            $this->handlers[$module . ':' . $event][] = ['do' => $callback, 'old' => false];
        }

        public function addEventHandlerCompatible($module, $event, $callback)
        {
            $this->handlers[$module . ':' . $event][] = ['do' => $callback, 'old' => true];
        }
    }

    class Loader
    {
        public static function includeModule($module)
        {
            return in_array($module, ['sale', 'catalog', 'iblock'], true);
        }
    }

    class ModuleManager
    {
        public static function getVersion($module)
        {
            return ['main' => '25.550.0', 'sale' => '25.0.200'][$module] ?? false;
        }
    }

    class HttpResponse
    {
        private $status;
        private $headers = [];
        private $content = '';

        public function setStatus($status)
        {
            $this->status = $status;
        }

        public function addHeader($name, $value)
        {
            $this->headers[$name] = $value;
        }

        public function setContent($content)
        {
            $this->content = $content;
        }

        public function send()
        {
            // Whatever was printed before stays in front of it: what Bitrix cleans here differs from version to version.
            if ($this->status) {
                http_response_code((int)$this->status);
            }
            foreach ($this->headers + ['Content-Length' => strlen($this->content)] as $name => $value) {
                header($name . ': ' . $value);
            }
            echo $this->content;
            flush();
        }
    }

    class Context
    {
        private static $current;
        private $response;

        public static function getCurrent()
        {
            return self::$current = self::$current ?: new self();
        }

        public function getResponse()
        {
            return $this->response = $this->response ?: new HttpResponse();
        }
    }

    class Application
    {
        private static $instance;
        private static $connection;
        private $jobs = [];

        public static function getInstance()
        {
            return self::$instance = self::$instance ?: new self();
        }

        public static function getConnection()
        {
            return self::$connection = self::$connection ?: new DB\Connection();
        }

        public function addBackgroundJob(callable $job, array $args = [])
        {
            $this->jobs[] = [$job, $args];
        }

        public function end()
        {
            Context::getCurrent()->getResponse()->send();
            while ($job = array_shift($this->jobs)) {
                $job[0](...$job[1]);
            }
            exit;
        }
    }
}

namespace Bitrix\Sale\Delivery\Services {
    class Service
    {
        private $row;

        public function __construct(array $row)
        {
            $this->row = $row;
        }

        public function getId()
        {
            return (int)$this->row['ID'];
        }

        public function getName()
        {
            return $this->row['NAME'];
        }
    }

    class Manager
    {
        public static function getObjectById($id)
        {
            $sql = 'SELECT ID, NAME FROM b_sale_delivery_srv WHERE ID = ' . (int)$id;
            $row = \Bitrix\Main\Application::getConnection()->query($sql)->fetch();
            return $row ? new Service($row) : null;
        }
    }
}

namespace Bitrix\Sale\PaySystem {
    class Service
    {
        private $row;

        public function __construct(array $row)
        {
            $this->row = $row;
        }

        public function getField($name)
        {
            return $this->row[$name];
        }
    }

    class Manager
    {
        public static function getObjectById($id)
        {
            $sql = 'SELECT ID, NAME FROM b_sale_pay_system_action WHERE ID = ' . (int)$id;
            $row = \Bitrix\Main\Application::getConnection()->query($sql)->fetch();
            return $row ? new Service($row) : null;
        }
    }
}

namespace {
    define('SITE_ID', 's1');

    class CMain
    {
        public static function FinalActions($output = '')
        {
            // The content is what was printed so far, as EndBufferContentMan() gives it.
            \Bitrix\Main\Context::getCurrent()->getResponse()->setContent($output === '' ? (string)ob_get_contents() : $output);
            \Bitrix\Main\Application::getInstance()->end();
        }
    }

    class CAgent
    {
        public static function AddAgent($name, $module = '', $period = 'N', $interval = 86400)
        {
            $connection = \Bitrix\Main\Application::getConnection();
            $fields = ['NAME' => $name, 'MODULE_ID' => $module, 'IS_PERIOD' => $period, 'AGENT_INTERVAL' => $interval];
            return $connection->put('b_agent', $fields);
        }

        public static function RemoveAgent($name, $module = '')
        {
            \Bitrix\Main\Application::getConnection()->queryExecute("DELETE FROM b_agent WHERE NAME = '$name'");
        }

        /** All agents at once, whatever their time: a test has no minute to wait. */
        public static function runAll()
        {
            $connection = \Bitrix\Main\Application::getConnection();
            foreach ($connection->query("SELECT * FROM b_agent WHERE ACTIVE = 'Y'")->fetchAll() as $agent) {
                $next = eval('return ' . $agent['NAME']);
                $connection->queryExecute('DELETE FROM b_agent WHERE ID = ' . $agent['ID']);
                if ($next) {
                    // An agent that does not return its own call is forgotten.
                    $agent = ['NAME' => $next, 'LAST_EXEC' => new \Bitrix\Main\Type\DateTime()] + $agent;
                    $connection->put('b_agent', $agent);
                }
            }
        }
    }

    class CUser
    {
        public $LAST_ERROR = '';

        public function GetID()
        {
            return null;
        }

        public function Add($fields)
        {
            $connection = \Bitrix\Main\Application::getConnection();
            $login = $connection->getSqlHelper()->forSql($fields['LOGIN']);
            if ($connection->query("SELECT ID FROM b_user WHERE LOGIN = '$login'")->fetch()) {
                $this->LAST_ERROR = 'Пользователь с таким логином уже существует.<br>';
                return false;
            }
            $columns = ['LOGIN', 'NAME', 'EMAIL', 'PERSONAL_PHONE', 'ACTIVE'];
            $id = $connection->put('b_user', array_intersect_key($fields, array_flip($columns)));
            $connection->put('b_user_phone_auth', ['USER_ID' => $id, 'PHONE_NUMBER' => $fields['PHONE_NUMBER']]);
            return $id;
        }

        public function Update($id, $fields)
        {
            \Bitrix\Main\Application::getConnection()->put('b_user', $fields, $id);
            $fields += ['ID' => $id, 'RESULT' => true];
            (new \Bitrix\Main\Event('main', 'OnAfterUserUpdate', [$fields]))->send();
        }
    }

    class CSaleUser
    {
        public static function GetAnonymousUserID()
        {
            return 1;
        }
    }

    class StandInList
    {
        private $rows;

        public function __construct(array $rows)
        {
            $this->rows = $rows;
        }

        public function Fetch()
        {
            return array_shift($this->rows) ?: false;
        }
    }

    class CIBlockElement
    {
        public static function GetProperty($iblockId, $id, $order, $filter)
        {
            return new StandInList([
                ['CODE' => 'OLD_PRICE', 'MULTIPLE' => 'N', 'VALUE' => '8900'],
                ['CODE' => 'COLOURS', 'MULTIPLE' => 'Y', 'VALUE' => 'red'],
                ['CODE' => 'COLOURS', 'MULTIPLE' => 'Y', 'VALUE' => 'white'],
            ]);
        }
    }

    class CFile
    {
        public static function GetPath($id)
        {
            return '/upload/iblock/' . $id . '.jpg';
        }
    }

    function AddMessage2Log($text, $module = '', $depth = 6)
    {
        file_put_contents(LOG_FILENAME, $text . "\n", FILE_APPEND);
    }

    require __DIR__ . '/sale.php';
}
