<?php
/** The fake kernel: results, events, options, dates, the response, and what runs after the response. */

namespace Bitrix\Main {
    class SystemException extends \Exception
    {
    }

    class ArgumentException extends SystemException
    {
    }

    class ArgumentNullException extends ArgumentException
    {
    }

    class ArgumentOutOfRangeException extends ArgumentException
    {
    }

    class NotImplementedException extends SystemException
    {
    }

    class NotSupportedException extends SystemException
    {
    }

    class ObjectException extends SystemException
    {
    }

    class Error
    {
        private $message;
        private $code;

        public function __construct($message, $code = 0)
        {
            $this->message = $message;
            $this->code = $code;
        }

        public function getMessage()
        {
            return $this->message;
        }

        public function getCode()
        {
            return $this->code;
        }
    }

    class Result
    {
        protected $errors = [];
        protected $data = [];

        public function addError(Error $error)
        {
            $this->errors[] = $error;
            return $this;
        }

        public function addErrors(array $errors)
        {
            array_map([$this, 'addError'], $errors);
            return $this;
        }

        public function isSuccess()
        {
            return !$this->errors;
        }

        public function getErrors()
        {
            return $this->errors;
        }

        public function getErrorMessages()
        {
            return array_map(function (Error $error) {
                return $error->getMessage();
            }, $this->errors);
        }

        public function setData(array $data)
        {
            $this->data = $data;
            return $this;
        }

        public function getData()
        {
            return $this->data;
        }
    }

    class EventResult
    {
        const UNDEFINED = 0;
        const SUCCESS = 1;
        const ERROR = 2;

        private $type;
        private $parameters;

        public function __construct($type, $parameters = null, $moduleId = null)
        {
            $this->type = $type;
            $this->parameters = $parameters;
        }

        public function getType()
        {
            return $this->type;
        }

        public function getParameters()
        {
            return $this->parameters;
        }
    }

    class Event
    {
        /** The names of all events that were sent in this hit, and the parameters of each OnSaleOrderSaved. */
        public static $sent = [];
        public static $saves = [];

        private $name;
        private $parameters;
        private $results = [];

        public function __construct($module, $name, array $parameters = [])
        {
            $this->name = $module . ':' . $name;
            $this->parameters = $parameters;
        }

        public function getParameter($key)
        {
            return $this->parameters[$key] ?? null;
        }

        public function getParameters()
        {
            return $this->parameters;
        }

        public function getResults()
        {
            return $this->results;
        }

        public function send()
        {
            self::$sent[] = explode(':', $this->name)[1];
            if ($this->name === 'sale:OnSaleOrderSaved') {
                self::$saves[] = ['IS_NEW' => $this->parameters['IS_NEW'], 'IS_CHANGED' => $this->parameters['IS_CHANGED']];
            }
            foreach (EventManager::getInstance()->handlers[$this->name] ?? [] as $handler) {
                $result = $handler['old']
                    ? $handler['do'](...array_values($this->parameters))
                    : $handler['do']($this);
                if ($result instanceof EventResult) {
                    $this->results[] = $result;
                }
            }
        }

        /**
         * Return the refusals of the handlers. If a handler returns no message, its refusal has Bitrix's own message.
         */
        public function refusals($text)
        {
            $errors = [];
            foreach ($this->results as $result) {
                if ($result->getType() === EventResult::ERROR) {
                    $given = $result->getParameters();
                    $errors[] = $given instanceof Error ? $given : new Error($text);
                }
            }
            return $errors;
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
            return in_array($module, ['sale', 'catalog', 'iblock', 'currency'], true);
        }
    }

    class ModuleManager
    {
        public static function getVersion($module)
        {
            return ['main' => '25.550.100', 'sale' => '25.0.200', 'catalog' => '25.100.0'][$module] ?? false;
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
            // Earlier output is sent before this content. Which parts of it Bitrix removes differs from version to
            // version.
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
            return self::$connection = self::$connection ?: DB\Connection::open();
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
