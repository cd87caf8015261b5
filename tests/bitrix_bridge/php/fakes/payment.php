<?php
/** The fake payments of an order. */

namespace Bitrix\Sale;

use Bitrix\Main\Application;
use Bitrix\Main\Type\DateTime;
use Bitrix\Sale\PaySystem\Manager;
use Bitrix\Sale\PaySystem\Service;

class Payment extends Entity
{
    const TABLE = 'b_sale_order_payment';
    const FIELDS = [
        'PAID', 'DATE_PAID', 'EMP_PAID_ID', 'PAY_SYSTEM_ID', 'PS_STATUS', 'PS_STATUS_CODE', 'PS_STATUS_DESCRIPTION',
        'PS_STATUS_MESSAGE', 'PS_SUM', 'PS_CURRENCY', 'PS_RESPONSE_DATE', 'PAY_VOUCHER_NUM', 'PAY_VOUCHER_DATE',
        'DATE_PAY_BEFORE', 'DATE_BILL', 'XML_ID', 'SUM', 'PRICE_COD', 'CURRENCY', 'PAY_SYSTEM_NAME', 'COMPANY_ID',
        'PAY_RETURN_NUM', 'PAY_RETURN_DATE', 'PAY_RETURN_COMMENT', 'RESPONSIBLE_ID', 'EMP_RESPONSIBLE_ID',
        'DATE_RESPONSIBLE_ID', 'IS_RETURN', 'COMMENTS', 'ACCOUNT_NUMBER', 'UPDATED_1C', 'ID_1C', 'VERSION_1C',
        'EXTERNAL_PAYMENT', 'PS_INVOICE_ID', 'MARKED', 'REASON_MARKED',
    ];
    const MEANINGFUL = ['PAY_SYSTEM_ID'];
    const MONEY = ['SUM', 'PRICE_COD'];

    private $order;

    public function __construct(Order $order, array $values)
    {
        parent::__construct($values);
        $this->order = $order;
    }

    protected function owner()
    {
        return $this->order;
    }

    public function getOrder()
    {
        return $this->order;
    }

    public function getSum()
    {
        return (float)$this->getField('SUM');
    }

    public function isPaid()
    {
        return $this->getField('PAID') === 'Y';
    }

    public function isReturn()
    {
        return in_array($this->getField('IS_RETURN'), ['Y', 'P'], true);
    }

    public function isInner()
    {
        return (int)$this->getField('PAY_SYSTEM_ID') === Manager::getInnerPaySystemId();
    }

    public function getPaymentSystemId()
    {
        return (int)$this->getField('PAY_SYSTEM_ID');
    }

    public function getPaySystem()
    {
        return Manager::getObjectById($this->getPaymentSystemId());
    }

    public function setPaid($flag)
    {
        return $this->setField('PAID', $flag);
    }

    /** Put PAID first for a payment that becomes unpaid, and last for a payment that becomes paid. */
    protected function onBeforeSetFields(array $values)
    {
        if (isset($values['PAID'])) {
            $paid = ['PAID' => $values['PAID']];
            unset($values['PAID']);
            return $this->isPaid() ? $paid + $values : $values + $paid;
        }
        return $values;
    }

    protected function checkValueBeforeSet($name, $value)
    {
        if ($name === 'PAY_SYSTEM_ID' && (int)$value > 0 && !Manager::getObjectById($value)) {
            return Result::refusal('Указана неверная платежная система', 'SALE_PAYMENT_WRONG_PAYMENT_SERVICE');
        }
        return new Result();
    }

    protected function onFieldModify($name, $old, $value)
    {
        if ($name === 'SUM' && $this->isPaid()) {
            $text = 'Невозможно изменить сумму оплаченной оплаты';
            return Result::refusal($text, 'SALE_PAYMENT_NOT_ALLOWED_CHANGE_SUM');
        }
        $result = new Result();
        if ($name === 'PAID' && $value === 'Y') {
            // As in Bitrix, a missing user is a fatal error.
            global $USER;
            $this->setField('DATE_PAID', new DateTime());
            $this->setField('EMP_PAID_ID', $USER->GetID());
            $service = $this->getPaySystem();
            $result->join($service ? $service->creditNoDemand($this) : new Result());
            if (!$result->isSuccess()) {
                return $result;
            }
            $this->setField('IS_RETURN', 'N');
        }
        if ($name === 'PAID') {
            $this->order->later('OnSalePaymentPaid', ['ENTITY' => $this]);
        }
        return $result->join($this->order->onPaymentModify($this, $name, $old, $value));
    }

    protected function noteInHistory($name, $old, $value)
    {
        if ($this->getId()) {
            $this->order->history()->field('PAYMENT', $name, $old, $value, $this);
        }
    }

    public function delete()
    {
        if ($this->isPaid()) {
            return Result::refusal('Оплата оплачена. Отмените оплату', 'SALE_PAYMENT_DELETE_EXIST_PAID');
        }
        $this->order->getPaymentCollection()->remove($this);
        return new Result();
    }

    public function save()
    {
        if ($this->getId()) {
            $this->store();
            return;
        }
        $order = $this->order;
        $this->store(['ORDER_ID' => $order->getId()]);
        $number = $order->getField('ACCOUNT_NUMBER') . '/' . count($order->getPaymentCollection());
        $this->setFieldNoDemand('ACCOUNT_NUMBER', $number);
        $this->store();
        $data = ['PAY_SYSTEM_NAME' => $this->getField('PAY_SYSTEM_NAME'), 'SUM' => $this->getSum()];
        $order->history()->action('PAYMENT', 'PAYMENT_ADDED', $this->getId(), $data);
    }
}

class PaymentCollection extends Collection
{
    public static function load(Order $order)
    {
        $payments = new self($order);
        $sql = 'SELECT * FROM b_sale_order_payment WHERE ORDER_ID = ? ORDER BY ID';
        foreach ($order->getId() ? Application::getConnection()->all($sql, [$order->getId()]) : [] as $row) {
            $payments->add(new Payment($order, $row));
        }
        return $payments;
    }

    public function createItem(Service $service = null)
    {
        $payment = $this->add(new Payment($this->order, []));
        $payment->setFieldsNoDemand([
            'DATE_BILL' => new DateTime(), 'SUM' => 0, 'PAID' => 'N', 'XML_ID' => uniqid('bx_'), 'IS_RETURN' => 'N',
            'CURRENCY' => $this->order->getCurrency(), 'PAY_SYSTEM_NAME' => '',
        ]);
        if ($service) {
            $payment->setField('PAY_SYSTEM_ID', $service->getField('ID'));
            $payment->setField('PAY_SYSTEM_NAME', $service->getField('NAME'));
        }
        return $payment;
    }

    public function getPaidSum()
    {
        $sum = 0;
        foreach ($this->items as $payment) {
            $sum += $payment->isPaid() ? $payment->getSum() : 0;
        }
        return $sum;
    }

    public function getSum()
    {
        $sum = 0;
        foreach ($this->items as $payment) {
            $sum += $payment->getSum();
        }
        return $sum;
    }

    public function hasPaidPayment()
    {
        foreach ($this->items as $payment) {
            if ($payment->isPaid()) {
                return true;
            }
        }
        return false;
    }

    public function getInnerPayment()
    {
        foreach ($this->items as $payment) {
            if ($payment->isInner()) {
                return $payment;
            }
        }
        return false;
    }

    public function isExistsInnerPayment()
    {
        return (bool)$this->getInnerPayment();
    }

    /**
     * Set the new price as the sum of the only payment, if it is unpaid and had the old price as its sum. Other
     * payments are not changed.
     */
    public function onOrderPrice($old, $new)
    {
        if ($this->order->isCanceled() || count($this->items) !== 1) {
            return new Result();
        }
        list($payment) = $this->items;
        $service = $payment->getPaySystem();
        if ($payment->isPaid() || $payment->isReturn() || ($service && !$service->isAllowEditPayment())) {
            return new Result();
        }
        return $payment->getSum() === (float)$old ? $payment->setField('SUM', $new) : new Result();
    }

    public function save()
    {
        foreach ($this->items as $payment) {
            $payment->save();
        }
        foreach ($this->deleteRest('b_sale_order_payment', 'ORDER_ID', $this->order->getId()) as $row) {
            $this->order->history()->action('PAYMENT', 'PAYMENT_REMOVED', (int)$row['ID'], ['SUM' => $row['SUM']]);
        }
    }
}
