<?php
/** The fake properties of an order. Each property of its person type has a value, even if the value is not set. */

namespace Bitrix\Sale;

use Bitrix\Main\Application;
use Bitrix\Main\Event;

class PropertyValue extends Entity
{
    const TABLE = 'b_sale_order_props_value';
    const FIELDS = ['VALUE'];
    const LONGEST = 500;

    private $order;
    private $property;

    public function __construct(Order $order, array $property, array $values = null)
    {
        parent::__construct($values ?? []);
        $this->order = $order;
        $this->property = $property;
        if ($values === null) {
            // A missing row counts as a change, so the next save of the order creates it.
            $this->setFieldsNoDemand([
                'ORDER_PROPS_ID' => $property['ID'], 'NAME' => $property['NAME'], 'CODE' => $property['CODE'],
                'XML_ID' => uniqid('bx_'), 'VALUE' => $property['DEFAULT_VALUE'],
            ]);
        }
    }

    protected function owner()
    {
        return $this->order;
    }

    public function getProperty()
    {
        return $this->property;
    }

    public function getPropertyId()
    {
        return (int)$this->property['ID'];
    }

    public function getName()
    {
        return $this->getField('NAME');
    }

    public function getType()
    {
        return $this->property['TYPE'];
    }

    public function isMultiple()
    {
        return $this->property['MULTIPLE'] === 'Y';
    }

    public function getValue()
    {
        $value = $this->getField('VALUE');
        if (!$this->isMultiple() || is_array($value)) {
            return $value;
        }
        return (string)$value === '' ? [] : (@unserialize($value, ['allowed_classes' => false]) ?: [$value]);
    }

    public function setValue($value)
    {
        if ($this->property['IS_EMAIL'] === 'Y' && is_string($value)) {
            $value = trim($value);
        }
        return $this->setField('VALUE', $value);
    }

    protected function onFieldModify($name, $old, $value)
    {
        return new Result();
    }

    /**
     * Check the value. This runs at each save of the order, even if the value has not changed. A wrong value is
     * reported and still stored.
     */
    public function verify()
    {
        return $this->checkValue($this->getPropertyId(), $this->getValue());
    }

    /** Check any value without marking the order. */
    public function checkValue($key, $values)
    {
        $before = 'Свойство заказа "' . $this->getName() . '" - ';
        $result = new Result();
        $settings = unserialize((string)$this->property['SETTINGS']) ?: [];
        $longest = (int)($settings['MAXLENGTH'] ?? 0) ?: self::LONGEST;
        foreach ((array)$values as $value) {
            if ((string)$value === '') {
                continue;
            }
            if ($this->getType() === 'ENUM') {
                $sql = 'SELECT ID FROM b_sale_order_props_variant WHERE ORDER_PROPS_ID = ? AND VALUE = ?';
                $isKnown = Application::getConnection()->one($sql, [$this->getPropertyId(), (string)$value]);
                $problem = $isKnown ? '' : $before . 'ошибка ввода';
            } elseif ($this->getType() === 'NUMBER') {
                $problem = is_numeric($value) ? '' : $before . 'не число';
            } elseif (mb_strlen(trim($value)) > $longest) {
                $problem = $before . 'длина больше ' . $longest . ' символов';
            } else {
                $isBad = $this->property['IS_EMAIL'] === 'Y' && !filter_var($value, FILTER_VALIDATE_EMAIL);
                $problem = $isBad ? 'Некорректный E-Mail' : '';
            }
            if ($problem !== '') {
                return Result::refusal($problem, 'PROPERTIES[' . $key . ']');
            }
        }
        return $result;
    }

    /**
     * Save the value. A value that does not fit the column is not written: the row keeps its value, or is not created.
     */
    public function save()
    {
        if (!$this->isChanged()) {
            return new Result();
        }
        $value = $this->getField('VALUE');
        $stored = is_array($value) ? serialize($value) : $value;
        $length = mb_strlen((string)$stored);
        $result = new Result();
        if ($length > self::LONGEST) {
            $name = $this->getId() ? '' : $this->getName();
            $text = "Длина значения свойства \"$name\" ($length) превышает допустимую (" . self::LONGEST . ')';
            $result->addError(new ResultError($text));
        } elseif ($this->getId()) {
            Application::getConnection()->put(self::TABLE, ['VALUE' => $stored], $this->getId());
        } else {
            $row = [
                'ORDER_ID' => $this->order->getId(), 'ENTITY_ID' => $this->order->getId(), 'ENTITY_TYPE' => 'ORDER',
                'ORDER_PROPS_ID' => $this->getPropertyId(), 'NAME' => $this->getName(), 'VALUE' => $stored,
                'CODE' => $this->getField('CODE'), 'XML_ID' => $this->getField('XML_ID'),
            ];
            $this->fields->init('ID', Application::getConnection()->put(self::TABLE, $row));
        }
        $event = ['ENTITY' => $this, 'VALUES' => $this->fields->getOriginalValues()];
        (new Event('sale', 'OnSalePropertyValueEntitySaved', $event))->send();
        return $result;
    }
}

class PropertyValueCollection extends Collection
{
    /** Return the stored properties, and new ones for active properties without a row. */
    public static function load(Order $order)
    {
        $connection = Application::getConnection();
        $collection = new self($order);
        $properties = [];
        $sql = 'SELECT * FROM b_sale_order_props WHERE PERSON_TYPE_ID = ? ORDER BY SORT, ID';
        foreach ($connection->all($sql, [(int)$order->getField('PERSON_TYPE_ID')]) as $property) {
            $properties[(int)$property['ID']] = $property;
        }
        $sql = "SELECT * FROM b_sale_order_props_value WHERE ORDER_ID = ? AND ENTITY_TYPE = 'ORDER' ORDER BY ID";
        foreach ($order->getId() ? $connection->all($sql, [$order->getId()]) : [] as $row) {
            $id = (int)$row['ORDER_PROPS_ID'];
            $gone = [
                'ID' => $id, 'NAME' => $row['NAME'], 'CODE' => $row['CODE'], 'TYPE' => 'STRING', 'MULTIPLE' => 'N',
                'IS_EMAIL' => 'N', 'SETTINGS' => null,
            ];
            $collection->add(new PropertyValue($order, $properties[$id] ?? $gone, $row));
            unset($properties[$id]);
        }
        foreach ($properties as $property) {
            if ($property['ACTIVE'] === 'Y') {
                $collection->add(new PropertyValue($order, $property));
            }
        }
        return $collection;
    }

    public function getItemByOrderPropertyId($id)
    {
        foreach ($this->items as $item) {
            if ($item->getPropertyId() === (int)$id) {
                return $item;
            }
        }
        return null;
    }

    public function getItemByOrderPropertyCode($code)
    {
        foreach ($this->items as $item) {
            if ($item->getField('CODE') == $code) {
                return $item;
            }
        }
        return null;
    }

    public function getUserEmail()
    {
        foreach ($this->items as $item) {
            if (($item->getProperty()['IS_EMAIL'] ?? 'N') === 'Y') {
                return $item;
            }
        }
        return null;
    }

    public function deleteAll()
    {
        foreach ($this->items as $item) {
            $this->remove($item);
        }
        $sql = "DELETE FROM b_sale_order_props_value WHERE ORDER_ID = ? AND ENTITY_TYPE = 'ORDER'";
        Application::getConnection()->change($sql, [$this->order->getId()]);
    }

    /** Check all values. Each error marks the order. */
    public function verify()
    {
        $result = new Result();
        foreach ($this->items as $item) {
            $found = $item->verify();
            if (!$found->isSuccess()) {
                $this->order->markers()->add('PROPERTY_VALUE', $item, $found->getErrors());
                $result->join($found);
            }
        }
        return $result;
    }

    public function save()
    {
        $result = new Result();
        foreach ($this->items as $item) {
            $result->join($item->save());
        }
        return $result;
    }
}
