<?php
/** The fake HTTP client of Bitrix. */

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
            // As in Bitrix, `redirect` without `redirectMax` reads an undefined index.
            $options['redirectMax'];
            $this->options = $options;
        }

        public function setHeader($name, $value, $replace = true)
        {
            $this->headers[$name] = $name . ': ' . $value;
        }

        public function post($url, $data = null)
        {
            if (defined('FAKE_NETWORK_THROWS')) {
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
