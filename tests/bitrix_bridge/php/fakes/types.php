<?php
/** The fake dates, fields of tables, and options of modules. */

namespace Bitrix\Main\ORM\Fields {
    class ScalarField
    {
        private $name;

        public function __construct($name)
        {
            $this->name = $name;
        }

        public function getName()
        {
            return $this->name;
        }
    }
}

namespace Bitrix\Main\Type {
    class Date
    {
        /** The property is protected and the class is not JsonSerializable, so json_encode returns {} for a date. */
        protected $value;

        /** Read a string in the given format, or in the site's date format if no format is given. */
        public function __construct($value = null, $format = null)
        {
            $format = $format === null ? static::siteFormat() : $format;
            $this->value = $value === null ? new \DateTime() : \DateTime::createFromFormat('!' . $format, $value);
            if (!$this->value) {
                throw new \Bitrix\Main\ObjectException('Incorrect date/time: ' . $value);
            }
        }

        protected static function siteFormat()
        {
            return 'd.m.Y';
        }

        public function format($format)
        {
            return $this->value->format($format);
        }

        public function getTimestamp()
        {
            return $this->value->getTimestamp();
        }

        public function toString()
        {
            return $this->format(static::siteFormat());
        }

        public function __toString()
        {
            return $this->toString();
        }
    }

    class DateTime extends Date
    {
        protected static function siteFormat()
        {
            return 'd.m.Y H:i:s';
        }

        public static function createFromTimestamp($timestamp)
        {
            $made = new self();
            $made->value->setTimestamp($timestamp);
            return $made;
        }

        public function setTimeZone(\DateTimeZone $zone)
        {
            $this->value->setTimezone($zone);
            return $this;
        }
    }
}

namespace Bitrix\Main\Config {
    use Bitrix\Main\Application;

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
            Application::getConnection()->put('b_option', ['MODULE_ID' => $module, 'NAME' => $name, 'VALUE' => $value]);
        }

        public static function delete($module, array $filter)
        {
            $sql = 'DELETE FROM b_option WHERE MODULE_ID = ? AND NAME = ?';
            Application::getConnection()->change($sql, [$module, $filter['name']]);
        }

        private static function find($module, $name)
        {
            $sql = 'SELECT VALUE FROM b_option WHERE MODULE_ID = ? AND NAME = ?';
            return Application::getConnection()->one($sql, [$module, $name]);
        }
    }
}
