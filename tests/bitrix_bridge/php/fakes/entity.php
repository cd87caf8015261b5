<?php
/** The fake base classes of an order and its parts: fields that record their changes, and results. */

namespace Bitrix\Sale;

use Bitrix\Main\Application;
use Bitrix\Main\ArgumentOutOfRangeException;
use Bitrix\Main\Error;

class ResultError extends Error
{
}

class ResultWarning extends ResultError
{
}

class Result extends \Bitrix\Main\Result
{
    private $warnings = [];
    private $id = 0;

    public static function refusal($message, $code = 0)
    {
        return (new self())->addError(new ResultError($message, $code));
    }

    public function addError(Error $error)
    {
        return $error instanceof ResultWarning ? $this->addWarning($error) : parent::addError($error);
    }

    public function addWarning(Error $warning)
    {
        $this->warnings[] = $warning;
        return $this;
    }

    public function addWarnings(array $warnings)
    {
        array_map([$this, 'addWarning'], $warnings);
        return $this;
    }

    public function hasWarnings()
    {
        return count($this->warnings);
    }

    public function getWarnings()
    {
        return $this->warnings;
    }

    public function getWarningMessages()
    {
        return array_map(function (Error $warning) {
            return $warning->getMessage();
        }, $this->warnings);
    }

    /** Add the errors and warnings of the other result to this one. */
    public function join(Result $other)
    {
        return $this->addErrors($other->getErrors())->addWarnings($other->getWarnings());
    }

    public function setId($id)
    {
        $this->id = $id;
    }

    public function getId()
    {
        return $this->id;
    }
}

class PriceMaths
{
    public static function roundPrecision($value)
    {
        return round((float)$value, 2);
    }
}

/** The values of fields, the names of the changed fields, and the values of these fields before the change. */
class Fields
{
    private $values;
    private $originals = [];

    public function __construct(array $values = [])
    {
        $this->values = $values;
    }

    public function get($name)
    {
        return $this->values[$name] ?? null;
    }

    /** Return whether a value has changed in PHP's loose comparison: '1.00' equals 1, but '' is a change of null. */
    public static function differ($old, $new)
    {
        return $old != $new || ($old === null && $new !== null);
    }

    /** Set a value. Setting the original value again undoes the change. */
    public function set($name, $value)
    {
        $old = $this->get($name);
        if (!self::differ($old, $value)) {
            return false;
        }
        if (!array_key_exists($name, $this->originals)) {
            $this->originals[$name] = $old;
        } elseif ($this->originals[$name] == $value) {
            unset($this->originals[$name]);
        }
        $this->values[$name] = $value;
        return true;
    }

    public function init($name, $value)
    {
        $this->values[$name] = $value;
    }

    public function isChanged($name)
    {
        return array_key_exists($name, $this->originals);
    }

    public function getValues()
    {
        return $this->values;
    }

    public function getChangedValues()
    {
        return array_intersect_key($this->values, $this->originals);
    }

    public function getOriginalValues()
    {
        return $this->originals;
    }

    public function clearChanged()
    {
        $this->originals = [];
    }
}

abstract class Entity
{
    /**
     * The table, the columns of setField(), the columns that cause the order's sum to be computed again, and the
     * columns that are rounded to cents.
     */
    const TABLE = '';
    const FIELDS = [];
    const MEANINGFUL = [];
    const MONEY = [];

    protected $fields;

    public function __construct(array $values = [])
    {
        foreach (static::MONEY as $name) {
            if (isset($values[$name])) {
                $values[$name] = PriceMaths::roundPrecision($values[$name]);
            }
        }
        $this->fields = new Fields($values);
    }

    /** Return the order that this entity is or belongs to, or null if there is no order. */
    abstract protected function owner();

    abstract protected function onFieldModify($name, $old, $value);

    public function getField($name)
    {
        return $this->fields->get($name);
    }

    public function getFields()
    {
        return $this->fields;
    }

    public function getFieldValues()
    {
        return $this->fields->getValues();
    }

    public function getId()
    {
        return (int)$this->getField('ID');
    }

    public function isChanged()
    {
        return $this->fields->getOriginalValues() !== [];
    }

    public function clearChanged()
    {
        $this->fields->clearChanged();
    }

    public function setField($name, $value)
    {
        return $this->inOneAction([$name => $value]);
    }

    public function setFields(array $values)
    {
        return $this->inOneAction($this->onBeforeSetFields($values));
    }

    protected function onBeforeSetFields(array $values)
    {
        return $values;
    }

    /**
     * Set the fields. The outermost change ends with the order's final action. An error of one field does not stop the
     * others.
     */
    private function inOneAction(array $values)
    {
        $result = new Result();
        $order = $this->owner();
        $isStart = $order && $order->isStartField();
        foreach ($values as $name => $value) {
            if ($order && in_array($name, static::MEANINGFUL, true)) {
                $order->noteMeaningful();
            }
            $result->join($this->modify($name, $value));
        }
        if ($isStart) {
            $result->join($order->doFinalAction($order->hasMeaningfulField()));
        }
        return $result;
    }

    private function modify($name, $value)
    {
        if (!in_array($name, static::FIELDS, true)) {
            throw new ArgumentOutOfRangeException('name=' . $name);
        }
        $value = $this->rounded($name, $value);
        $old = $this->getField($name);
        if (!Fields::differ($old, $value)) {
            return new Result();
        }
        $result = $this->checkValueBeforeSet($name, $value);
        if (!$result->isSuccess()) {
            return $result;
        }
        $this->fields->set($name, $value);
        try {
            $result->join($this->onFieldModify($name, $old, $value));
        } catch (\Throwable $error) {
            $this->fields->set($name, $old);
            throw $error;
        }
        if ($result->isSuccess()) {
            $this->noteInHistory($name, $old, $value);
        } else {
            $this->fields->set($name, $old);
        }
        return $result;
    }

    protected function checkValueBeforeSet($name, $value)
    {
        return new Result();
    }

    protected function noteInHistory($name, $old, $value)
    {
    }

    /** Set a field without any event. The field counts as changed and will be written. */
    public function setFieldNoDemand($name, $value)
    {
        $columns = Application::getConnection()->getTableFields(static::TABLE);
        if (!isset($columns[$name])) {
            throw new ArgumentOutOfRangeException('name=' . $name);
        }
        $value = $this->rounded($name, $value);
        $old = $this->getField($name);
        if ($this->fields->set($name, $value)) {
            $this->noteInHistory($name, $old, $value);
        }
    }

    public function setFieldsNoDemand(array $values)
    {
        foreach ($values as $name => $value) {
            $this->setFieldNoDemand($name, $value);
        }
    }

    private function rounded($name, $value)
    {
        return in_array($name, static::MONEY, true) && $value !== null ? PriceMaths::roundPrecision($value) : $value;
    }

    /** Insert a row with all values, or update the changed columns of the row. */
    protected function store(array $more = [])
    {
        $connection = Application::getConnection();
        foreach ($more as $name => $value) {
            $this->fields->set($name, $value);
        }
        $columns = $connection->getTableFields(static::TABLE);
        if (!$this->getId()) {
            $values = array_intersect_key($this->fields->getValues(), $columns);
            unset($values['ID']);
            $this->fields->init('ID', $connection->put(static::TABLE, $values));
        } elseif ($values = array_intersect_key($this->fields->getChangedValues(), $columns)) {
            $connection->put(static::TABLE, $values, $this->getId());
        }
    }
}
